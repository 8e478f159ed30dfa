"""For every test."""

import gc
import os

import pytest
from hypothesis import HealthCheck, settings

if not os.environ.get("CI"):  # there hypothesis has a profile of its own, as patient, and the same examples each time
    settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("patient")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A failure is described with garbage collection off. pytest parses the failing function; a collection in the
    middle of that may run a finaliser that logs a traceback, which parses too. Python 3.11 then raises `SystemError:
    AST constructor recursion depth mismatch`, and the whole run ends without a word about the test that failed."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """`-n` gives each worker whole files, and the real Freqtrades, the page and its browser to one worker each."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            file = nodeid.partition("::")[0]
            return next((room for room in ("tests/bots/freqtrade", "tests/browser") if file.startswith(room)), file)

    return ByFile(config, log)
