"""What a chart says by itself rests on earlier bars only, and is judged on later ones."""

import numpy as np
import pytest

from workbench.domain.market import Timeframe
from workbench.market import sample
from workbench.visual.market_reading import LEAST, MarketReader

HALF = Timeframe.parse("30m")


@pytest.fixture(scope="module")
def candles():
    return sample.load("BTC/USD").loc["2018-05-10":"2018-06-20"]


def reader():
    return MarketReader("BTC/USD", HALF, horizon=12)


def test_the_fan_the_ribbon_and_their_record(candles):
    reading = reader().read(candles)

    assert reading.forecast.reference == candles["close"].iloc[-1]
    assert reading.forecast.values[0] < reading.forecast.reference < reading.forecast.values[-1]
    assert 0.6 < reading.confidence["held"] < 0.95
    assert reading.ribbon[0][0] > candles.index[len(candles) // 2 - 1].timestamp() * 1000
    assert {span[2] for span in reading.ribbon} <= {"calm", "turbulent"}
    assert all(0 <= span[3] <= 1 and span[0] <= span[1] for span in reading.ribbon)


def test_the_future_changes_nothing(candles):
    start, cut = candles.iloc[:800], candles.iloc[:900]
    wild = candles.iloc[:960].copy()
    wild.iloc[900:] = wild.iloc[900:] * np.linspace(1, 3, 60)[:, None]
    honest, tempted = reader(), reader()
    honest.read(start)
    tempted.read(start)

    before, after = honest.read(cut), tempted.read(wild)

    end = candles.index[899].timestamp() * 1000
    told = [span[:1] + span[2:3] for span in before.ribbon]
    assert told == [span[:1] + span[2:3] for span in after.ribbon if span[0] <= end][: len(told)]
    assert before.forecast == tempted.read(cut).forecast


def test_too_few_bars_say_nothing(candles):
    assert reader().read(candles.iloc[: LEAST - 1]) is None
