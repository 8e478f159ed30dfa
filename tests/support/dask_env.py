"""A Python that has Dask beside everything that we have: an environment of its own, or a loud reason why not."""

import os
import site
from functools import lru_cache
from pathlib import Path

import pytest

from workbench.bench.peer_env import peer_python

DASK = ("distributed==2026.8.0",)
ROOT = Path(__file__).parents[2]


@lru_cache(maxsize=1)
def dask_python() -> Path:
    """In CI a failed installation fails the test; elsewhere it skips by name."""
    python = peer_python(DASK)
    if python is not None:
        return python
    if os.environ.get("CI"):
        pytest.fail("Dask could not be installed, and CI must not go on without it")
    pytest.skip("tests marked 'dask' are skipped: no environment with Dask can be made here")


def environment() -> dict[str, str]:
    """Ours first: Dask is all that the other environment adds."""
    paths = [str(ROOT), *site.getsitepackages()]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}
