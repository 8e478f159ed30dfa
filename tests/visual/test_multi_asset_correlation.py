"""Correlation of real candles: no look-ahead, the same bar by bar as at once, charts that are pictures."""

import numpy as np
import pandas as pd
import pytest

from workbench.domain.errors import ValueRefused
from workbench.domain.sectors import sectors_of
from workbench.market.sample import load_all
from workbench.visual import correlation_charts as draw
from workbench.visual.multi_asset_correlation import MultiAssetCorrelation
from workbench.visual.picture import png, svg


@pytest.fixture(scope="module")
def candles():
    return {symbol: table.iloc[-1500:] for symbol, table in load_all().items()}


def test_returns_across_a_gap_are_unknown(candles):
    holed = {symbol: table.drop(table.index[[700, 701]]) for symbol, table in candles.items()}
    returns = MultiAssetCorrelation(holed, "30m").returns
    assert returns.loc[candles["BTC/USD"].index[702]].isna().all()
    assert returns.loc[candles["BTC/USD"].index[703]].notna().any()


def test_bar_by_bar_is_the_same_as_at_once(candles):
    whole = MultiAssetCorrelation(candles, "30m")
    grown = MultiAssetCorrelation({symbol: table.iloc[:1400] for symbol, table in candles.items()}, "30m")
    for at in whole.returns.index[whole.returns.index > grown.returns.index[-1]]:
        grown.add(at, {symbol: table.at[at, "close"] for symbol, table in candles.items() if at in table.index})

    pd.testing.assert_frame_equal(grown.returns, whole.returns, check_freq=False)
    for how in ("window", "ewma", "denoised"):
        pd.testing.assert_frame_equal(grown.matrix(how), whole.matrix(how), atol=1e-12)


def test_what_was_said_of_a_bar_stays_when_later_ones_come(candles):
    before = MultiAssetCorrelation({s: t.iloc[:1200] for s, t in candles.items()}, "30m").path("BTC/USD", "ETH/USD")
    after = MultiAssetCorrelation(candles, "30m").path("BTC/USD", "ETH/USD").loc[: before.index[-1]]
    pd.testing.assert_frame_equal(before, after)


def test_the_interval_holds_the_correlation(candles):
    path = MultiAssetCorrelation(candles, "30m").path("BTC/USD", "ETH/USD", 16).dropna()
    assert ((path["low"] <= path["correlation"]) & (path["correlation"] <= path["high"])).all()
    assert (path.abs() <= 1).all().all()


def test_every_chart_is_a_picture_without_a_network(candles):
    assets = MultiAssetCorrelation(candles, "30m")
    path = assets.path("BTC/USD", "ETH/USD", 16)
    for chart in (
        draw.heatmap(assets.matrix(), draw.ordered(assets)),
        draw.rolling_line(path, "a pair"),
        draw.scatter(assets, "BTC/USD", "ETH/USD"),
        draw.prediction_heatmap(assets),
    ):
        assert png(chart).startswith(b"\x89PNG")
    assert "<svg" in svg(draw.heatmap(assets.matrix()), "light")
    elsewhere = {"data": {"url": "http://127.0.0.1:9/x.csv"}, "mark": "point", "encoding": {}}
    with pytest.raises(ValueRefused, match="cannot be drawn"):
        png(elsewhere)


def test_names_from_outside_are_text(candles):
    odd = {"<b>x</b>/USD": candles["BTC/USD"], "datum['a']/USD": candles["ETH/USD"]}
    assert "&lt;b&gt;x" in svg(draw.heatmap(MultiAssetCorrelation(odd, "30m").matrix()))


def test_sectors_and_wrong_names(candles):
    assets = MultiAssetCorrelation(candles, "30m", sectors={"btc": "money"})
    assert assets.sectors["BTC/USD"] == "money"
    assert set(assets.sector_matrix()) == {"money", "smart contracts", "store of value", "payments"}
    assert sectors_of(["NEW/USD"]) == {}
    with pytest.raises(ValueRefused, match="DOGE/USD is not watched"):
        assets.path("BTC/USD", "DOGE/USD")
    with pytest.raises(ValueRefused, match="bars come in order"):
        assets.add(candles["BTC/USD"].index[0], {"BTC/USD": 1.0})
    with pytest.raises(ValueRefused, match="two markets or more"):
        MultiAssetCorrelation({"BTC/USD": candles["BTC/USD"]}, "30m")


def test_an_unlisted_market_is_unknown_and_not_zero(candles):
    late = dict(candles) | {"EOS/USD": candles["EOS/USD"].iloc[-50:]}
    matrix = MultiAssetCorrelation(late, "30m").matrix()
    assert np.isnan(matrix.at["EOS/USD", "BTC/USD"])
    assert np.isfinite(matrix.at["ETH/USD", "BTC/USD"])
