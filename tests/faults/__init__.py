"""The guarantees (docs/guarantees.md) on the real stack while its processes die: `make faults`."""
