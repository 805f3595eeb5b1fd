"""Dapr as the APIs see it, without Dapr: state, events, invocation and cron, in one process.

The one simulated sidecar here. With virtual time and faults it carries the simulation
(`tests/simulation`), without them the unit tests (`tests/unit/fake_sidecar.py`) and `make dev`
(`tests/dev`). Only what `tests/simulation/test_fidelity.py` pins against the real daprd on Valkey
may happen here, and the configuration is the real one, from k8s/base/dapr.
"""
