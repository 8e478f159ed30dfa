"""A real Freqtrade for the tests: its environment, or a loud reason why not."""

import os
from functools import lru_cache
from pathlib import Path

import pytest

from workbench.bootstrap.freqtrade_env import ensure_freqtrade
from workbench.domain.errors import StartError


@lru_cache(maxsize=1)
def _found() -> Path | str:
    try:
        return ensure_freqtrade(print)
    except StartError as error:
        return str(error)


def python_or_skip() -> Path:
    """Python of the Freqtrade environment. In CI a failed installation fails the test; elsewhere it skips by name."""
    found = _found()
    if isinstance(found, Path):
        return found
    if os.environ.get("CI"):
        pytest.fail(f"Freqtrade could not be installed, and CI must not go on without it: {found}")
    pytest.skip(f"tests marked 'freqtrade' are skipped: {found}")
