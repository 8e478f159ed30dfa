"""The lab composed: whose candles, which chart first, up to which moment."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from tests.visual.lab_scene import candles as walk
from workbench.commands.asked import Viewer
from workbench.dashboard.pattern_lab_page import candles, moment, open_lab
from workbench.domain.errors import ValueRefused
from workbench.ledger.log import open_ledger
from workbench.market.lake import Lake
from workbench.settings import Settings


@pytest.fixture
def desk(tmp_path):
    ledger = open_ledger(tmp_path / "ledger.sqlite")
    settings = Settings(home=tmp_path)
    yield SimpleNamespace(
        ledger=ledger,
        center=SimpleNamespace(settings=settings),
        dispatcher=SimpleNamespace(viewer=Viewer("ann")),
    )
    ledger.close()


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("", None),
        ("2019-03-01", datetime(2019, 3, 1, tzinfo=UTC)),
        ("2019-03-01T12:00+02:00", datetime(2019, 3, 1, 10, tzinfo=UTC)),
    ],
)
def test_a_moment_is_utc_unless_it_says_otherwise(text, read):
    assert moment(text) == read


def test_what_is_no_moment_is_refused():
    with pytest.raises(ValueRefused, match="2019-03-01T12:00"):
        moment("last week")


async def test_the_sample_is_shown_where_the_lake_holds_nothing_and_the_address_chooses(desk):
    lab = await open_lab(desk, ("ETH/USD", "4h"), query="symbol=XRP/USD&timeframe=1d&until=2018-05-01")
    other = await open_lab(desk, ("ETH/USD", "4h"), query="symbol=<b>&timeframe=7m")
    longer = await open_lab(desk, ("ETH/USD", "4h"), query="timeframe=1d")

    assert (lab.opens, lab.user, lab.about) == (["XRP/USD", "1d"], "ann", "the recorded sample")
    assert lab.session.charts.table("XRP/USD", "1d").index[-1] == datetime(2018, 4, 30, tzinfo=UTC)
    assert (other.opens, longer.opens) == (["ETH/USD", "4h"], ["ETH/USD", "1d"])


def test_the_lake_comes_first_where_it_holds_something(tmp_path):
    Lake(tmp_path).write("binance", "AAA/USD", "1h", walk(0))

    charts = candles(tmp_path)

    assert charts.markets == {"AAA/USD": ("1h",)}
    assert len(charts.table("AAA/USD", "1h")) == 500
