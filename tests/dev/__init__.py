"""A contributor's loop: `make dev` serves the four APIs natively in one process, on the simulated
Dapr of `tests/dapr`, and starts again when a file changes. For development alone: orders are kept
in memory, nothing is encrypted, and nobody measures it."""
