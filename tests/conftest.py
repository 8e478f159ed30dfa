"""For every test."""

import gc

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A failure is described with garbage collection off. pytest parses the failing function; a collection in the middle of
    that may run a finaliser that logs a traceback, which parses too, and Python 3.11 then raises `SystemError: AST constructor
    recursion depth mismatch`: the whole run would end, without a word about the test that failed."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
