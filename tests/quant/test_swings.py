"""Swings, levels and zones: as read slowly off the chart, blind to the future, honest about few cases."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests.support import naive_levels as naive
from workbench.domain.errors import ValueRefused
from workbench.market.sample import load
from workbench.quant.counts import median_interval, share_interval
from workbench.quant.swings import price_levels, swings
from workbench.quant.zones import Unreachable, ZoneStudy, study, visits_of


@st.composite
def markets(draw, least=1, most=120):
    """(open, high, low, close, volume) on a coarse grid, so that equal highs and exact touches are common."""
    n = draw(st.integers(least, most))
    steps = draw(arrays(int, n, elements=st.integers(-4, 4)))
    close = 100.0 + np.cumsum(steps)
    close += max(0.0, 5 - close.min())
    opened = np.r_[close[:1], close[:-1]]
    up, down = (draw(arrays(int, n, elements=st.integers(0, 3))) for _ in range(2))
    volume = draw(arrays(float, n, elements=st.floats(0, 100)))
    return opened, np.maximum(opened, close) + up, np.minimum(opened, close) - down, close, volume


@given(markets(), st.integers(1, 6))
def test_swings_are_what_one_sees(market, reach):
    _, high, low, _, _ = market

    assert [(s.at, s.side, s.price) for s in swings(high, low, reach)] == naive.swings(high, low, reach)


@given(markets(), st.integers(1, 6), st.data())
def test_a_swing_is_known_when_it_says_and_never_changes(market, reach, data):
    _, high, low, _, _ = market
    cut = data.draw(st.integers(0, len(high)))

    known = [swing for swing in swings(high, low, reach) if swing.known < cut]

    assert swings(high[:cut], low[:cut], reach) == known


@given(markets(least=2), st.integers(80, 120), st.integers(1, 10))
def test_visits_are_what_one_sees_walking_along(market, bottom, span):
    _, high, low, close, _ = market
    found = visits_of(high, low, close, bottom, bottom + span)

    assert [(v.at, v.side, v.held) for v in found] == naive.visits(high, low, close, bottom, bottom + span)


@given(markets(least=2), st.integers(80, 120), st.integers(1, 10), st.data())
def test_a_finished_visit_stays_when_later_bars_come(market, bottom, span, data):
    _, high, low, close, _ = market
    cut = data.draw(st.integers(1, len(close)))
    early = visits_of(high[:cut], low[:cut], close[:cut], bottom, bottom + span)
    later = visits_of(high, low, close, bottom, bottom + span)

    assert [visit for visit in early if visit.held is not None] == later[: sum(v.held is not None for v in early)]
    assert [visit.at for visit in early] == [visit.at for visit in later][: len(early)]


@settings(deadline=None)
@given(markets(least=20))
def test_levels_are_bands_of_swings_no_wider_than_allowed(market):
    _, high, low, close, volume = market
    found = price_levels(high, low, close, volume, reach=2, width=1.5)

    spans = np.nanmedian(np.maximum(high, np.r_[np.nan, close[:-1]]) - np.minimum(low, np.r_[np.nan, close[:-1]]))
    for level in found:
        assert level.low <= level.price <= level.high
        assert level.high - level.low <= 1.5 * spans + 1e-9
        assert level.touches >= 2
        assert 0 <= level.held <= level.tested
        if level.tested:
            low_end, high_end = level.interval
            assert low_end - 1e-12 <= level.strength <= high_end + 1e-12
        else:
            assert level.strength is level.interval is None
    bands = sorted((level.low, level.high) for level in found)
    assert [level.touches for level in found] == sorted((level.touches for level in found), reverse=True)
    assert bands == sorted(bands)


def test_a_floor_that_was_met_four_times_is_found():
    low = np.full(80, 104.0)
    low[[10, 25, 45, 65]] = [100.0, 100.2, 100.1, 100.0]
    close, high = low + 1.0, low + 2.0
    close[[10, 25, 45, 65]] = 104.5
    high[[10, 25, 45, 65]] = 106.0

    (level,) = [each for each in price_levels(high, low, close, np.ones(80), reach=4) if each.price < 102]

    assert (level.touches, level.tested, level.held) == (4, 2, 2)
    assert level.side(close[-1]) == "support"
    assert level.interval[0] < 0.5  # two of two prove little


@pytest.fixture(scope="module")
def btc():
    return [load("BTC/USD")[name].to_numpy()[:8000] for name in ("high", "low", "close", "volume")]


def test_a_zone_of_real_candles_is_studied(btc):
    high, low, close, volume = btc
    found = study(high, low, close, volume, 8000.0, 8200.0)

    assert isinstance(found, ZoneStudy)
    assert found.touches >= found.held + found.broken
    assert found.touches == len(visits_of(high, low, close, 8000.0, 8200.0))
    assert found.hold_interval[0] < found.held / (found.held + found.broken) < found.hold_interval[1]
    assert 0 < found.bars_inside < 0.2
    assert 0 < found.volume_inside < 0.2
    assert found.reaction.n >= 10
    assert found.reaction.interval[0] <= found.reaction.median <= found.reaction.interval[1]


def test_a_zone_of_another_market_gets_a_clear_answer():
    close = np.linspace(0.4, 0.5, 50)
    found = study(close * 1.01, close * 0.99, close, close, 45_000.0, 46_000.0)

    assert isinstance(found, Unreachable)
    assert found.words.startswith("45,000 – 46,000 is about 91,000 times above this market")
    assert isinstance(study(close + 60_000, close + 59_998, close + 60_000, close, 0.4, 0.5), Unreachable)


def test_a_zone_never_met_is_no_slip_when_it_is_near():
    close = np.linspace(90.0, 100.0, 50)
    found = study(close, close - 1, close, close, 120.0, 125.0)

    assert (found.touches, found.first, found.bars_inside, found.volume_inside) == (0, None, 0.0, 0.0)
    assert found.hold_interval == (0.0, 1.0)
    assert found.reaction.median is None
    assert found.away == pytest.approx(-0.2)


@given(markets(least=2), st.integers(80, 120), st.integers(1, 10), st.integers(1, 20))
def test_shares_are_shares(market, bottom, span, horizon):
    _, high, low, close, volume = market
    found = study(high, low, close, volume, float(bottom), float(bottom + span), horizon)

    if isinstance(found, ZoneStudy):
        assert 0 <= found.bars_inside <= 1
        assert -1e-12 <= found.volume_inside <= 1 + 1e-12
        assert found.inside == (found.away == 0)


@pytest.mark.parametrize(
    ("bottom", "top"), [(5.0, 5.0), (6.0, 5.0), (-1.0, 5.0), (1.0, float("inf")), (float("nan"), 5)]
)
def test_what_is_no_zone_is_refused(bottom, top):
    with pytest.raises(ValueRefused, match="lower to a higher"):
        study(*[np.ones(9)] * 4, bottom, top)


def test_intervals_hold_what_they_promise():
    rng = np.random.default_rng(5)
    inside = share = 0
    for _ in range(600):
        low, high = median_interval(rng.standard_cauchy(21))
        inside += low <= 0 <= high
        low, high = share_interval(int(rng.binomial(30, 0.3)), 30)
        share += low <= 0.3 <= high

    assert inside / 600 > 0.88
    assert 0.86 < share / 600 < 0.96
    assert median_interval([1.0, 2.0, 3.0, 4.0]) is None
    assert share_interval(0, 0) == (0.0, 1.0)
