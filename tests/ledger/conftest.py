"""One suite, two databases: every test that takes `ledger` or `ledger_url` runs on SQLite and on a real PostgreSQL."""

import pytest

from tests.support.postgres import postgres_server  # noqa: F401
from workbench.ledger.log import open_ledger


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def ledger_url(request, tmp_path):
    if request.param == "sqlite":
        return str(tmp_path / "ledger.sqlite")
    return request.getfixturevalue("postgres_server").new_ledger()


@pytest.fixture
def ledger(ledger_url):
    opened = open_ledger(ledger_url)
    yield opened
    opened.close()


@pytest.fixture
def second(ledger_url, ledger):
    """The same ledger, opened once more: what another process would see."""
    opened = open_ledger(ledger_url)
    yield opened
    opened.close()
