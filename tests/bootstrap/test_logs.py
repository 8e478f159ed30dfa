"""Log lines go to standard error as it is, whoever exchanged it meanwhile."""

import io
import sys

import pytest
import structlog

from workbench.bootstrap.logs import configure_logs


@pytest.fixture(autouse=True)
def restored():
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def test_a_standard_error_that_was_closed_since_is_not_written_to(monkeypatch):
    captured, later = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stderr", captured)
    configure_logs()
    log = structlog.get_logger("a logger that keeps what it was bound to")
    log.warning("first")
    captured.close()

    monkeypatch.setattr(sys, "stderr", later)
    log.warning("second", token="s3cret")

    assert "second" in later.getvalue()
    assert "s3cret" not in later.getvalue()
