"""What nothing of ours could be faster than: components that do less, and the parts below alone."""

from pathlib import Path

from scripts.build import wasm

HERE = Path(__file__).parent


def component(name: str) -> Path:
    """`hello` or `bare`, built and compiled as the APIs are. Raises `Failure`."""
    return wasm.single(HERE / name / "app.py")
