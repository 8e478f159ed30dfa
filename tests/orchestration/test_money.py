"""Totals that convert or refuse, budgets that fail closed."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from tests.support import naive_orchestration as naive
from tests.support.plain_bots import a_status
from workbench.domain.desk import BotRow, Health
from workbench.domain.errors import ExchangeError, ValueRefused
from workbench.domain.portfolio import EquityPoint, Money
from workbench.orchestration.portfolio_manager import PortfolioManager
from workbench.orchestration.rates import VenueRates
from workbench.orchestration.risk_coordinator import (
    MIN_RETURNS,
    BotRecord,
    RiskCoordinator,
    annual_volatility,
    capped,
    inverse_volatility,
    joint_returns,
)

GOOD = Health(True, True, True)
DOWN = Health(False, False, False, reason="no answer within 3 s")
STALE = Health(True, True, False, 41.0, reason="its newest data is 41 s old")
NOW = datetime(2019, 3, 1, tzinfo=UTC)


def row(bot_id, equity=10_000.0, currency="USD", health=GOOD, capabilities=("status",)):
    status = None if equity is None else a_status(bot_id, equity=Money(equity, currency), pnl=Money(5.0, currency))
    if status is not None and currency != "USD":
        status = a_status(bot_id, equity=Money(equity, currency), pnl=Money(5.0, currency), day_pnl=Money(0, currency))
    return BotRow(bot_id, health, status, capabilities=capabilities)


def test_sums_over_every_bot():
    totals = PortfolioManager().totals((row("a"), row("b", 5_000.0)))

    assert (totals.equity, totals.pnl, totals.unknown) == (Money(15_000.0, "USD"), Money(10.0, "USD"), "")


def test_one_bot_down_makes_the_total_unknown_and_says_who():
    totals = PortfolioManager().totals((row("a"), row("b", health=DOWN)))

    assert totals.equity is None
    assert totals.unknown == "b is down: no answer within 3 s"


def test_a_bot_that_only_thinks_has_no_money_to_know():
    assert PortfolioManager().totals((row("a"), row("seer", None, capabilities=("forecast",)))).equity == Money(
        1e4, "USD"
    )


def test_currencies_convert_through_a_price_either_way_or_refuse():
    rows = (row("a", 100.0), row("b", 100.0, "EUR"))
    manager = PortfolioManager("USD")

    refused = manager.totals(rows)
    there = manager.totals(rows, {("EUR", "USD"): 1.25})
    back = manager.totals(rows, {("USD", "EUR"): 0.8})

    assert refused.equity is None
    assert "no price from EUR to USD" in refused.unknown
    assert there.equity == Money(225.0, "USD")
    assert_allclose(back.equity.amount, 225.0)
    assert PortfolioManager().totals(rows).unknown.startswith("bots hold EUR, USD")
    assert PortfolioManager().by_currency(rows) == {"USD": Money(100.0, "USD"), "EUR": Money(100.0, "EUR")}


def curve(moves, currency="USD"):
    value, points = 10_000.0, [EquityPoint(NOW, 10_000.0, currency)]
    for number, move in enumerate(moves, 1):
        value *= 1 + move
        points.append(EquityPoint(NOW + timedelta(minutes=30 * number), value, currency))
    return points


def wavy(size, count=60):
    return curve([size if i % 2 else -size for i in range(count)])


def test_the_calmer_bot_gets_more_and_the_sum_is_the_total():
    bots = [
        BotRecord("wild", GOOD, wavy(0.02)),
        BotRecord("calm", GOOD, wavy(0.01)),
        BotRecord("mild", GOOD, wavy(0.015)),
    ]

    shared = RiskCoordinator().distribute(Money(9_000.0, "USD"), bots, NOW)

    wild, calm, mild = (budget.amount.amount for budget in shared.budgets)
    assert_allclose(calm / wild, 2, rtol=0.02)
    assert wild < mild < calm
    assert_allclose(wild + calm + mild, 9_000)
    assert shared.withheld.amount < 1e-6


@pytest.mark.parametrize("health", [DOWN, STALE, Health(True, False, True, reason="warming up")])
def test_a_bot_that_is_not_healthy_gets_nothing_and_nobody_gets_its_part(health):
    bots = [BotRecord("bad", health, wavy(0.01)), *(BotRecord(n, GOOD, wavy(0.01)) for n in "abc")]

    shared = RiskCoordinator().distribute(Money(8_000.0, "USD"), bots, NOW)

    assert shared.budgets[0].amount == Money(0.0, "USD")
    assert health.reason in shared.budgets[0].reason
    assert_allclose(shared.withheld.amount, 2_000)
    assert_allclose([b.amount.amount for b in shared.budgets[1:]], 2_000)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 0.0, -5.0])
def test_an_account_that_is_no_positive_number_gets_nothing(value):
    broken = [*wavy(0.01), EquityPoint(NOW + timedelta(days=9), value, "USD")]

    shared = RiskCoordinator().distribute(Money(100.0, "USD"), [BotRecord("a", GOOD, broken)], NOW)

    assert shared.budgets[0].amount.amount == 0
    assert shared.withheld.amount == 100


def test_short_history_means_the_equal_share():
    bots = [BotRecord("new", GOOD, wavy(0.01, MIN_RETURNS - 1)), *(BotRecord(n, GOOD, wavy(0.01)) for n in "abc")]

    shared = RiskCoordinator().distribute(Money(100.0, "USD"), bots, NOW)

    assert shared.budgets[0].share == 0.25
    assert "too little history" in shared.budgets[0].reason


def test_what_a_capped_bot_leaves_never_goes_to_one_without_a_record():
    bots = [
        BotRecord("calm", GOOD, wavy(0.001)),
        BotRecord("wild", GOOD, wavy(0.05)),
        BotRecord("new", GOOD, wavy(0.01, 5)),
    ]

    shared = RiskCoordinator().distribute(Money(900.0, "USD"), bots, NOW)

    calm, wild, new = (budget.share for budget in shared.budgets)
    assert_allclose((calm, new), (0.5, 1 / 3))
    assert_allclose(calm + wild + new, 1)


def test_another_currency_and_no_equity_are_denied_with_their_reason():
    bots = [BotRecord("euro", GOOD, curve([0.01], "EUR")), BotRecord("blank", GOOD, [])]

    shared = RiskCoordinator().distribute(Money(100.0, "USD"), bots, NOW)

    assert [budget.share for budget in shared.budgets] == [0, 0]
    assert "EUR" in shared.budgets[0].reason
    assert "no equity" in shared.budgets[1].reason


def test_an_exposure_below_nothing_is_refused():
    with pytest.raises(ValueRefused):
        RiskCoordinator().distribute(Money(-1.0, "USD"), [], NOW)
    with pytest.raises(ValueRefused):
        RiskCoordinator(max_share=float("nan"))


@given(st.lists(st.floats(-0.2, 0.2), min_size=MIN_RETURNS, max_size=80))
def test_volatility_agrees_with_its_naive_twin(moves):
    points = curve(moves)

    found = annual_volatility(points)

    twin = naive.volatility([(p.at.timestamp(), p.equity) for p in points])
    assert found is None if twin == 0 else abs(found / twin - 1) < 1e-9


@given(
    st.dictionaries(st.sampled_from("abcdefgh"), st.one_of(st.none(), st.floats(1e-3, 10)), min_size=1),
    st.floats(0.05, 1),
    st.floats(0, 1),
)
def test_shares_are_shares_and_capped_like_the_naive_twin(volatility, cap, pool):
    shares = {bot: share * pool for bot, share in inverse_volatility(volatility).items()}

    caps = {bot: cap if number % 2 else cap / 2 for number, bot in enumerate(shares)}
    found = capped(shares, caps)

    assert_allclose(sum(shares.values()), pool, atol=1e-12)
    assert all(-1e-12 <= share <= caps[bot] + 1e-12 for bot, share in found.items())
    assert sum(found.values()) <= pool + 1e-9
    assert_allclose([found[b] for b in shares], list(naive.capped(shares, caps).values()), atol=1e-6)


def noisy(seed, size, other=None, mix=0.0, count=300):
    own = np.random.default_rng(seed).standard_normal(count) * size
    return curve(own if other is None else mix * other + np.sqrt(1 - mix * mix) * own)


def crowd():
    """Two bots that do the same, one that goes its own way; all equally volatile."""
    common = np.random.default_rng(7).standard_normal(300) * 0.01
    twins = [BotRecord(n, GOOD, noisy(i, 0.01, common, 0.95)) for i, n in enumerate("ab")]
    return [*twins, BotRecord("alone", GOOD, noisy(9, 0.01))]


@pytest.mark.parametrize("method", ["equal_risk", "hierarchical", "cvar"])
def test_bots_that_move_together_share_what_one_that_does_not_gets(method):
    by_risk = RiskCoordinator(1.0).distribute(Money(900.0, "USD"), crowd(), NOW, method)
    plain = RiskCoordinator(1.0).distribute(Money(900.0, "USD"), crowd(), NOW, "inverse_volatility")

    a, b, alone = (budget.share for budget in by_risk.budgets)
    assert by_risk.method == method
    assert alone > 1.15 * max(a, b)
    assert alone > 1.15 * plain.budgets[2].share
    assert_allclose(a + b + alone, 1)


def test_correlations_at_one_leave_inverse_volatility():
    stressed = RiskCoordinator(1.0).distribute(Money(900.0, "USD"), crowd(), NOW, "equal_risk", 1.0)

    assert_allclose([budget.share for budget in stressed.budgets], 1 / 3, rtol=0.1)
    assert any("100%" in note for note in stressed.notes)


def test_the_order_of_bots_changes_nobody_s_budget():
    bots = crowd()
    one, other = (RiskCoordinator(1.0).distribute(Money(900.0, "USD"), order, NOW) for order in (bots, bots[::-1]))

    shares = {budget.bot_id: budget.share for budget in other.budgets}
    assert_allclose([shares[budget.bot_id] for budget in one.budgets], [b.share for b in one.budgets], rtol=1e-6)


def test_too_little_common_history_falls_back_and_says_so():
    late = curve([0.01 * (-1) ** i for i in range(80)])
    bots = [BotRecord("a", GOOD, late), BotRecord("b", GOOD, late[30:])]
    shared = RiskCoordinator().distribute(Money(100.0, "USD"), bots, NOW)

    assert shared.method == "inverse_volatility"
    assert "60 are needed" in shared.notes[0]


def test_a_method_nobody_knows_and_a_stress_beyond_one_are_refused():
    with pytest.raises(ValueRefused, match="no method 'kelly'"):
        RiskCoordinator().distribute(Money(1.0, "USD"), [], NOW, "kelly")
    with pytest.raises(ValueRefused, match="stress must lie"):
        RiskCoordinator().distribute(Money(1.0, "USD"), [], NOW, "equal_risk", 1.5)


def test_a_common_grid_never_knows_a_later_equity():
    early, late = curve([0.01] * 50), curve([0.02] * 80)
    known = joint_returns([early, late])
    grown = joint_returns([early, [*late, EquityPoint(NOW + timedelta(days=90), 1e9, "USD")]])
    assert_allclose(grown, known)


def test_several_currencies_need_one_to_add_them_up_in():
    refused = PortfolioManager().totals((row("a"), row("b", 1.0, "BTC")))

    assert refused.equity is None
    assert "BTC, USD" in refused.unknown
    assert "currency in workbench.toml" in refused.unknown


async def test_rates_are_asked_for_only_where_several_currencies_meet():
    asked = []

    async def ask(path):
        asked.append(path)
        return [{"symbol": "BTCUSD", "price": "6500.10"}, {"symbol": "ETHUSD", "price": "0.00"}]

    rates = VenueRates(ask)

    assert await rates.between({"USD", ""}, ["BTC/USD"]) == {}
    assert asked == []
    assert await rates.between({"USD", "BTC"}, ["BTC/USD", "ETH/USD"]) == {("BTC", "USD"): 6500.10}
    assert await rates.between({"USD", "BTC"}, ["BTC/USD", "ETH/USD"]) == {("BTC", "USD"): 6500.10}
    assert asked == ["ticker/price"]


async def test_a_silent_venue_gives_no_rate_so_the_sum_refuses():
    async def ask(path):
        raise ExchangeError("the exchange does not answer")

    rates = await VenueRates(ask).between({"USD", "BTC"}, ["BTC/USD"])

    assert rates == {}
    assert "no price from BTC to USD" in PortfolioManager("USD").totals((row("a", 1.0, "BTC"),), rates).unknown
