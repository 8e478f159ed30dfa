"""What a brief says in words: the day in one sentence, and what to look at today, worst first. Pure."""

import math

from workbench.domain.desk import DeskState
from workbench.domain.events import Event
from workbench.domain.patterns import Outcome
from workbench.domain.portfolio import Money
from workbench.integrations.brief import Brief
from workbench.orchestration.event_words import LIMITS_CHANGED, sentence
from workbench.orchestration.plain_text import plain
from workbench.quant.risk_measures import worst_drawdown

TIGHT = 0.8  # of a limit used
NEAR = 0.5  # of the way to the next step of the drawdown ladder
SURE = 0.7  # probability of turbulence
ENOUGH = 100  # scored forecasts
MOST = 12


def headline_figures(brief: Brief) -> dict[str, str]:
    """The figures of the message; what is not known is '–'."""
    total = brief.data.total
    return {
        "equity": money(total.equity),
        f"P&L {brief.hours:g} h": money(profit(brief, "total"), signed=True),
        "worst fall": share(worst_fall(brief, "total")),
        "trades closed": str(sum(event.kind == "TradeClosed" for event in brief.trades)) if brief.data.market else "–",
        "state": brief.data.state.value if brief.data.bots else "no desk",
        "to look at": str(len(to_look_at(brief))),
    }


def profit(brief: Brief, name: str) -> Money | None:
    """What was earned in the period by a bot or 'total'; None where it was not recorded."""
    points = brief.curves.get(name, ())
    return Money(points[-1].equity - points[0].equity, points[-1].currency) if len(points) > 1 else None


def worst_fall(brief: Brief, name: str) -> float:
    """Deepest fall from a peak within the period, a fraction ≥ 0; NaN where it was not recorded."""
    worths = [point.equity for point in brief.curves.get(name, ())]
    return worst_drawdown(worths) if len(worths) > 1 and min(worths) > 0 else math.nan


def sentence_of(brief: Brief) -> str:
    """The day in one sentence."""
    earned = profit(brief, "total")
    if not brief.data.bots:
        return f"No bot is known here, so there is nothing to report but what the ledger holds: {_unknown(brief)}."
    told = (
        f"{len(brief.data.bots)} bots earned {money(earned, signed=True)}" if earned else "What was earned is not known"
    )
    fall = worst_fall(brief, "total")
    deep = f", with a fall of {share(fall)} on the way" if math.isfinite(fall) else ""
    many = len(to_look_at(brief))
    end = f"{many} thing{'s' if many != 1 else ''} to look at." if many else "Nothing stands out."
    return f"{told} in the last {brief.hours:g} h{deep}. {end}"


def to_look_at(brief: Brief) -> list[str]:
    """What deserves a person's eye today, worst first; empty where nothing does. Bots' own words are text."""
    found = [
        *_states(brief),
        *_failures(brief),
        *_bots(brief),
        *_room(brief),
        *_tightened(brief),
        *_markets(brief),
        *_patterns(brief),
        *_forecasts(brief),
    ]
    return found[:MOST] if len(found) <= MOST else [*found[: MOST - 1], f"and {len(found) - MOST + 1} more"]


def _states(brief: Brief) -> list[str]:
    desk = [f"The desk is {brief.data.state.value}."] if brief.data.state is not DeskState.ACTIVE else []
    held = [row for row in brief.data.bots if row.trading is not DeskState.ACTIVE]
    return desk + [f"{row.bot_id} is {row.trading.value}: {plain(row.trading_reason)}" for row in held]


def _failures(brief: Brief) -> list[str]:
    runs = [
        f"Run of {run.job}, due {run.due:%H:%M} UTC, {run.state.value}: {plain(run.fault or run.words)}"
        for run in brief.runs
        if not run.state.good
    ]
    lost = [plain(sentence(event)) for event in brief.happened if event.kind in ("command.unknown", "ChildDied")]
    return runs + lost[:3]


def _bots(brief: Brief) -> list[str]:
    ill = [row for row in brief.data.bots if not row.health.ok]
    return [f"{row.bot_id} is {row.health.word}: {plain(row.health.reason)}" for row in ill]


def _room(brief: Brief) -> list[str]:
    if brief.risk is None:
        return []
    tight = [row for row in brief.risk.limits if row.cap > 0 and row.used / row.cap >= TIGHT]
    said = [f"{row.scope}: {row.used / row.cap:.0%} of {row.name} is used" for row in tight]
    falls = [row for row in brief.risk.drawdowns if row.next_step and row.drawdown >= NEAR * row.next_step]
    return said + [f"{row.name} has fallen {share(row.drawdown)}; at {share(row.next_step)} it halts" for row in falls]


def _tightened(brief: Brief) -> list[str]:
    """The newest word on each scope's limits, where they are not as they were set."""
    newest: dict[str, Event] = {}
    for event in brief.happened:  # newest first
        if event.kind == LIMITS_CHANGED:
            newest.setdefault(event.source, event)
    return [sentence(event) for event in newest.values() if event.payload.get("factor", 1.0) != 1.0]


def _markets(brief: Brief) -> list[str]:
    regimes = [(symbol, view.together) for symbol, view in brief.regimes.items() if view.together]
    said = [f"{symbol} is turbulent with {vote.turbulent:.0%}" for symbol, vote in regimes if vote.turbulent >= SURE]
    if brief.changes is not None:
        said += [
            f"{row.one} and {row.other} moved together {row.before:+.2f}, and {row.since:+.2f} since {row.around:%d %b}"
            for row in brief.changes.itertuples()
        ]
    return said


def _patterns(brief: Brief) -> list[str]:
    """What was recognised and is not over yet, the likeliest first."""
    running = [one for one in brief.patterns if one.outcome is Outcome.OPEN]
    likeliest = sorted(running, key=lambda one: -one.recognition.probability)
    return [f"{plain(one.words)}, still open" for one in likeliest[:3]]


def _forecasts(brief: Brief) -> list[str]:
    rows = brief.league.rows if brief.league else ()
    worse = [row for row in rows if row.scored >= ENOUGH and row.skill is not None and row.skill < 0]
    return [
        f"{row.bot_id} forecasts {row.ahead_s / 3600:g} h ahead worse than the naive guess: skill {row.skill:+.1%} "
        f"over {row.scored:,}"
        for row in sorted(worse, key=lambda row: row.skill or 0.0)[:3]
    ]


def _unknown(brief: Brief) -> str:
    return "; ".join(brief.unknown) or "nothing was recorded"


def share(value: float | None) -> str:
    return "–" if value is None or not math.isfinite(value) else f"{value:.1%}"


def money(value: Money | None, signed: bool = False) -> str:
    if value is None:
        return "–"
    amount = value.amount if abs(value.amount) >= 0.005 else 0.0
    return f"{amount:+,.2f} {value.currency}" if signed else f"{amount:,.2f} {value.currency}"
