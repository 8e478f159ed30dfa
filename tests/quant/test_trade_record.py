"""What a list of trades amounts to."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.quant.trade_record import MOST_BINS, record_of, spread_of

returns = st.lists(st.floats(-1.0, 5.0).map(lambda x: round(x, 6)), max_size=60)


def test_figures_of_a_few_trades():
    record = record_of([10.0, -4.0, 0.0, 6.0])

    assert (record.trades, record.wins, record.losses, record.total) == (4, 2, 1, 12.0)
    assert (record.mean, record.median, record.best, record.worst) == (3.0, 3.0, 10.0, -4.0)
    assert record.profit_factor == 4.0


def test_no_trades_have_no_mean_and_no_loss_no_factor():
    assert record_of([]).mean is None
    assert record_of([]).best is None
    assert record_of([1.0]).profit_factor is None


@given(returns)
def test_every_return_is_in_one_bin_and_none_mixes_gain_and_loss(told):
    spread = spread_of(told)

    assert sum(spread.counts) == len(told)
    if told:
        assert len(spread.edges) == len(spread.counts) + 1 <= MOST_BINS + 1
        assert 0.0 in spread.edges
        losses = sum(n for n, edge in zip(spread.counts, spread.edges, strict=False) if edge < 0)
        assert losses == sum(value < 0 for value in told)


@given(returns.filter(len))
def test_bins_agree_with_looking_at_each_edge(told):
    spread = spread_of(told)
    width = spread.edges[1] - spread.edges[0]

    for count, low, high in zip(spread.counts, spread.edges[:-1], spread.edges[1:], strict=True):
        sure = sum(low + width * 1e-9 <= value < high - width * 1e-9 for value in told)
        perhaps = sum(low - width * 1e-9 <= value <= high + width * 1e-9 for value in told)
        assert sure <= count <= perhaps  # a value on an edge may fall to either side by its last bit


@pytest.mark.parametrize(("told", "width"), [([0.0, 0.0], 1e-4), ([0.22], 0.01), ([-0.05, 0.05], 0.005)])
def test_bins_are_round(told, width):
    spread = spread_of(told)

    assert math.isclose(spread.edges[1] - spread.edges[0], width)
