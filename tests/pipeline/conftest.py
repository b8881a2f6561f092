"""The run and the customers of the tests on monitoring."""

from ..monitoring.conftest import run, same

__all__ = ["run", "same"]
