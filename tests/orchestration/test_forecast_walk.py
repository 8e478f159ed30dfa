"""Research bots walked forward over recorded candles: through a desk's own book, and never looking ahead."""

import numpy as np
import pandas as pd
import pytest

from workbench.domain.errors import CandleError
from workbench.ledger.forecast_sums import Filter
from workbench.market.sample import load
from workbench.orchestration.forecast_walk import WORLD, Walk, walk_forward
from workbench.visual import league_charts as draw
from workbench.visual.picture import spec_of

WALK = Walk(("trend", "breakout"), ahead="4h", every="4h", days=5, relearn_days=5)


def candles(days=32):
    return {symbol: load(symbol).iloc[: 48 * days] for symbol in ("BTC/USD", "LTC/USD")}


async def test_a_walk_fills_the_league_and_its_pictures(tmp_path):
    walked = await walk_forward(candles(), WALK, tmp_path)

    league = await walked.intelligence.league(("bot", "symbol"))
    course = await walked.intelligence.skill_over_time(days=4)
    walked.close()

    assert walked.scored == sum(row.scored for row in league.rows) > 120
    assert {row.bot_id for row in league.rows} == {"trend", "breakout", "consensus"}
    assert all(row.qlike is not None for row in league.rows if row.bot_id != "consensus")
    assert len(course) > 6
    for chart in (draw.reliability(league.rows), draw.pit_histogram(league.rows), draw.skill_over_time(course)):
        assert spec_of(chart)["config"]
    frame = draw.league_frame(league.rows)
    assert list(frame.columns[:3]) == ["market", "bot", "scored"]
    assert draw.skill_over_time([])


async def test_a_corrupted_future_changes_no_forecast_made_before_it(tmp_path):
    whole, corrupted = candles(), {}
    cut = whole["BTC/USD"].index[-1] - pd.Timedelta("2D")
    for number, (symbol, table) in enumerate(whole.items()):
        changed = table.copy()
        noise = np.random.default_rng(number).uniform(0.1, 3.0, (changed.index > cut).sum())
        changed.loc[changed.index > cut, ["open", "high", "low", "close"]] *= noise[:, None]
        corrupted[symbol] = changed

    said = []
    for name, tables in (("a", whole), ("b", corrupted)):
        folder = tmp_path / name
        folder.mkdir()
        walked = await walk_forward(tables, WALK, folder)
        with walked.ledger._store.read() as connection:
            rows = connection.exec_driver_sql(
                "SELECT bot_id, symbol, seen_at, prices, volatility FROM forecasts ORDER BY seen_at, symbol, bot_id"
            ).all()
        said.append([tuple(row) for row in rows if row.seen_at <= (cut.timestamp() + 1800) * 1e6])
        walked.close()

    assert said[0] == said[1]
    assert len(said[0]) > 40


async def test_too_short_a_past_is_refused(tmp_path):
    with pytest.raises(CandleError, match="too late to walk 5 days"):
        await walk_forward(candles(8), WALK, tmp_path)


async def test_a_missing_bar_leaves_its_forecasts_unscored_only(tmp_path):
    tables = candles()
    table = tables["BTC/USD"]
    gone = table.index[(table.index.hour == 3) & (table.index.minute == 30)][-4]  # its close is an origin at 04:00
    tables["BTC/USD"] = table.drop(gone)

    walked = await walk_forward(tables, WALK, tmp_path)

    rows = walked.ledger.forecasts.sums.read(WORLD, ["symbol"], Filter())
    walked.close()
    assert {row["symbol"]: row["unscored"] for row in rows} == {"BTC/USD": 3, "LTC/USD": 0}
