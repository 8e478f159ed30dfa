"""The risk page's figures: they add up, agree with an obvious twin, and are unknown where a part is."""

import math
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.plain_bots import a_position, a_status
from workbench.dashboard.risk_panel import compared, limits_table, sentence, shares_table
from workbench.domain.desk import BotRow, Health, Totals
from workbench.domain.halts import DESK, AccountView
from workbench.domain.market import Timeframe
from workbench.domain.portfolio import Money
from workbench.domain.risk import Usage
from workbench.domain.risk_desk import RiskDesk
from workbench.orchestration import risk_assembly
from workbench.orchestration.breaches import Reckoning
from workbench.orchestration.risk_assembly import CONFIDENCE, Markets, halved, measured, risk_desk
from workbench.orchestration.risk_view import RiskView

NOW = datetime(2018, 4, 12, tzinfo=UTC)
SYMBOLS = ("BTC/USD", "ETH/USD", "LTC/USD")
FRAME = Timeframe.parse("30m")


def markets(seed=3, bars=400, symbols=SYMBOLS):
    common = np.random.default_rng(seed).standard_normal((bars, 1))
    own = np.random.default_rng(seed + 1).standard_normal((bars, len(symbols)))
    return Markets(symbols, 0.004 * (common + own), FRAME)


def a_desk(exposure, symbols=SYMBOLS):
    bots = tuple(f"bot{i}" for i in range(len(exposure)))
    cells = [abs(v) for row in exposure for v in row]
    told = tuple(tuple(float(v) for v in row) for row in exposure)
    return RiskDesk(NOW, "USD", 10_000.0, CONFIDENCE, bots, symbols, told, sum(cells), float(np.sum(exposure)))


EXPOSURES = st.lists(
    st.lists(st.floats(-1e4, 1e4).map(lambda v: round(v, 2)), min_size=3, max_size=3), min_size=1, max_size=5
)


@settings(deadline=None, max_examples=60)
@given(EXPOSURES, st.integers(0, 20))
def test_shares_sum_to_one_and_agree_with_the_whole(exposure, seed):
    desk = measured(a_desk(exposure), markets(seed))
    net = np.sum(exposure, axis=0)
    losses = np.sort(-(markets(seed).returns @ net))[::-1]

    for rows in (desk.contributions_by_bot, desk.contributions_by_symbol):
        for kind in ("volatility", "cvar"):
            parts = [getattr(row, kind) for row in rows]
            if all(math.isfinite(part) for part in parts):
                size = max(1.0, *(abs(part) for part in parts))
                assert math.fsum(parts) == pytest.approx(1, abs=1e-9 * size)
    # (1 − 0.975) × 400 = 10 scenarios, so the mean of the ten worst is the whole of it
    assert desk.cvar.historical_money == pytest.approx(losses[:10].mean(), abs=1e-6)


def test_halving_a_bot_that_holds_everything_halves_everything():
    desk = measured(a_desk([[5000, 2000, 0], [0, 0, 0]]), markets())

    half = halved(desk, "bot0", markets())

    for name in ("gross", "net"):
        assert getattr(half, name) == pytest.approx(getattr(desk, name) / 2)
    assert half.volatility.annual == pytest.approx(desk.volatility.annual / 2)
    assert half.cvar.historical_money == pytest.approx(desk.cvar.historical_money / 2)


def test_correlations_to_one_add_deviations_up_and_claim_no_history():
    desk = measured(a_desk([[5000, 2000, 1000]]), markets())

    together = measured(desk, markets(), correlations=1.0)

    assert together.volatility.bar > desk.volatility.bar
    assert math.isnan(together.cvar.historical_money)
    assert together.cvar.parametric_money > desk.cvar.parametric_money


@pytest.mark.parametrize("change", ["few bars", "a market without bars", "a bot unheard", "no equity"])
def test_what_cannot_be_told_is_unknown_and_never_zero(change):
    desk, told = measured(a_desk([[5000, 2000, 1000]]), markets()), markets()
    if change == "few bars":
        told = markets(bars=50)
    elif change == "a market without bars":
        told = markets(symbols=SYMBOLS[:2])
    elif change == "a bot unheard":
        desk = replace(desk, exposure=((math.nan,) * 3,), gross=math.nan, net=math.nan)
    else:
        desk = replace(desk, equity=math.nan)

    found = measured(desk, told)

    assert math.isnan(found.volatility.bar)
    assert math.isnan(found.var.historical)
    assert found.contributions_by_bot == ()


def a_view(**changes):
    healthy = Health(True, True, True, 0.4, 6.0)
    held = a_position("BTC/USD", amount=0.5, mark_price=8000.0)
    rows = (
        BotRow("trend", healthy, a_status("trend", positions=(held,)), capabilities=("status",)),
        BotRow("breakout", healthy, a_status("breakout"), capabilities=("status",)),
    )
    money = Money(20_000.0, "USD")
    reckoning = Reckoning((Usage("gross", DESK, 4000.0, 21_000.0),), {}, {})
    return replace(RiskView(NOW, rows, Totals(money, money, money), {}, reckoning, {DESK: 0.1}), **changes)


def test_the_venues_word_counts_before_the_bots_own():
    accounts = {"trend": AccountView("trend", {"BTC/USD": 0.25}), "breakout": AccountView("breakout")}

    desk = risk_desk(a_view(), accounts, markets(), {"desk": 0.2, "bot": 0.25})

    assert desk.exposure == ((2000.0,), (0.0,))
    assert (desk.gross, desk.net) == (2000.0, 2000.0)
    assert desk.limits[0].headroom == 17_000.0
    assert desk.drawdowns[0].next_step == 0.2
    assert math.isnan(desk.drawdowns[1].drawdown)
    assert desk.unknown == ()


def test_a_bot_that_was_never_heard_makes_the_sums_unknown_and_is_named():
    view = a_view(unread="no venue is known here")
    rows = (view.rows[0], replace(view.rows[1], status=None))

    desk = risk_desk(replace(view, rows=rows), {}, markets(), {})

    assert math.isnan(desk.gross)
    assert any("breakout" in words for words in desk.unknown)
    assert any("own word" in words for words in desk.unknown)
    assert "not known" in sentence(desk)


def test_the_notebooks_tables_say_what_the_value_says():
    desk = measured(a_desk([[5000, 2000, 0], [0, 0, -800]]), markets())

    assert shares_table(desk.contributions_by_bot)["volatility"].sum() == pytest.approx(1)
    assert compared(desk)["now"]["gross"] == 7800
    assert limits_table(desk).empty
    assert "2 bots hold 7,800.00 USD gross, +6,200.00 net" in sentence(desk)
    assert "bot0" in sentence(desk)
    assert "No bot is known" in sentence(a_desk([]))


def test_clusters_add_up_to_what_is_held():
    desk = risk_assembly._clusters(("BTC/USD", "LTC/USD", "NEW/USD"), ((1.0, 2.0, 0.0), (-4.0, 0.0, 5.0)), None)
    assert [(row.name, row.gross, row.net) for row in desk] == [("NEW/USD", 5.0, 5.0), ("store of value", 7.0, -1.0)]
    (unknown,) = risk_assembly._clusters(("BTC/USD",), ((float("nan"),),), None)
    assert math.isnan(unknown.gross)


def asking_first(view, *bots):
    rows = tuple(replace(r, status=replace(r.status, gated=r.bot_id in bots)) for r in view.rows)
    return replace(view, rows=rows)


def test_limits_of_bots_that_ask_first_are_shown_as_tightened_and_why():
    usage = (
        Usage("gross", DESK, 4000.0, 21_000.0),
        *(Usage("bot gross", b, 0.0, 100.0) for b in ("trend", "breakout")),
    )
    view = a_view(reckoning=Reckoning(usage, {}, {}), tightened={DESK: (0.5, "turbulent"), "breakout": (0.75, "fell")})

    shown = {row.scope: row for row in risk_desk(asking_first(view, "trend"), {}, markets(), {}).limits}
    none_asks = risk_desk(view, {}, markets(), {}).limits

    assert (shown[DESK].cap, shown[DESK].cap_before) == (10_500.0, 21_000.0)
    assert shown[DESK].why == "for bots that ask first, × 0.5: turbulent"
    assert shown["breakout"].cap == 100.0  # supervised: held against its limit as written
    assert {row.why for row in none_asks} == {""}


def test_the_ladder_shows_the_rung_that_binds_and_the_next():
    view = a_view(drawdowns={DESK: 0.11, "trend": 0.11, "breakout": 0.02})

    rows = {
        row.name: row
        for row in risk_desk(asking_first(view, "trend"), {}, markets(), {"desk": 0.2, "bot": 0.25}).drawdowns
    }

    assert (rows["trend"].step, rows["trend"].next_step, rows["trend"].factor) == (0.10, 0.15, 0.5)
    assert (rows["breakout"].step, rows["breakout"].next_step, rows["breakout"].factor) == (None, 0.25, 1.0)


def test_what_is_held_is_told_by_venue():
    view = a_view(venues={"trend": "paper"})

    desk = risk_desk(view, {}, markets(), {})

    assert [(row.name, row.gross) for row in desk.venues] == [("not read", 0.0), ("paper", 4000.0)]
