"""Setups on the market now, in the order in which they deserve a look: each with its plan, its size and the reason.

What the limits do not allow, and what is held already, ranks below everything else and says why.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

import numpy as np
import pandas as pd

from workbench.domain.orders import Side
from workbench.domain.patterns import OutcomeRule, Recognition
from workbench.quant.sizing import Opportunity, Size, SizingRules, size
from workbench.visual.pattern_success import Market, PatternSuccess

ANSWERS = ("taken", "skipped", "success", "failure")
_WEIGHT = {"taken": 1.0, "skipped": -1.0, "success": 2.0, "failure": -2.0}
_PARTS = {"evidence": 0.35, "similarity": 0.25, "regime": 0.15, "liked": 0.15, "room": 0.1}
RECENT = 500  # bars that the volatility is told from
UNKNOWN = 0.5  # what the room in risk counts where nobody knows it


@dataclass(frozen=True, slots=True)
class Room:
    """What the desk leaves for one market. equity : of the desk, in `currency`; left : what is left of each limit, also
    in that; held : bots that hold the market; barred : why nothing may be opened or sized, '' where it may."""

    equity: float
    currency: str
    left: tuple[tuple[str, float], ...]
    held: tuple[str, ...] = ()
    barred: str = ""


@dataclass(frozen=True, slots=True)
class Now:
    """The market as it stands. closes, volatility : of each (symbol, timeframe), newest close and standard deviation of
    a bar's log return; rooms : by symbol, None where no desk tells."""

    closes: Mapping[Market, float]
    volatility: Mapping[Market, float] = field(default_factory=dict)
    rooms: Mapping[str, Room] | None = None


@dataclass(frozen=True, slots=True)
class Advice:
    """entry, stop, target : quote currency; size : None where the room in risk is not known. score in [0, 1]; reason
    says what it is made of; held_back : why it ranks below, '' where nothing holds it back."""

    advice_id: str
    recognition: Recognition
    side: Side
    entry: float
    stop: float
    target: float
    size: Size | None
    score: float
    reason: str
    held_back: str = ""


def market_now(history: Mapping[Market, pd.DataFrame], rooms: Mapping[str, Room] | None = None) -> Now:
    """From candle tables, by their newest bars."""
    closes = {market: float(table["close"].iloc[-1]) for market, table in history.items()}
    recent = {market: np.log(table["close"].to_numpy(float)[-RECENT:]) for market, table in history.items()}
    return Now(closes, {market: float(np.diff(x).std()) for market, x in recent.items() if len(x) > 2}, rooms)


def advise(
    found: Sequence[Recognition],
    now: Now,
    record: Mapping[str, PatternSuccess],
    feedback: Mapping[str, Sequence[str]],
    regime_record: Mapping[str, PatternSuccess] | None = None,
) -> list[Advice]:
    """Rank recognitions, best first; those that are held back after all others.

    record : success of each pattern over all; regime_record : in the state the market is in now. feedback : this user's
    answers by pattern.
    """
    made = [_one(one, now, record, feedback, regime_record or {}) for one in found]
    return sorted(made, key=lambda one: (bool(one.held_back), -one.score, one.advice_id))


def _one(one: Recognition, now: Now, record, feedback, regimes) -> Advice:
    own = record.get(one.pattern)
    rule = own.rule if own else OutcomeRule()
    close, up = now.closes[one.symbol, one.timeframe.text], 1 if rule.side is Side.BUY else -1
    entry, stop, target = close, close * (1 - up * rule.stop), close * (1 + up * rule.target)
    swing = now.volatility.get((one.symbol, one.timeframe.text), math.nan) * math.sqrt(rule.horizon)
    room = None if now.rooms is None else now.rooms.get(one.symbol)
    sized, held_back = _sized(one.symbol, room, (entry, stop), swing)
    similar = max((near.similarity for near in one.nearest), default=0.0)
    parts = {
        "evidence": _weight(own),
        "similarity": max(0.0, similar),
        "regime": _weight(regimes.get(one.pattern)),
        "liked": _liked(feedback.get(one.pattern, ())),
        "room": UNKNOWN if sized is None else _allowed(sized),
    }
    score = sum(weight * parts[name] for name, weight in _PARTS.items())
    said = [own.words if own else "no record yet", f"{similar:.0%} like your own, probability {one.probability:.0%}"]
    said += [_answers(feedback, one.pattern), held_back or (f"size by {sized.bound_by}" if sized else "size not known")]
    key = f"{one.pattern}|{one.symbol}|{one.timeframe}|{one.last_at.isoformat()}"
    name = sha256(key.encode()).hexdigest()[:10]
    return Advice(name, one, rule.side, entry, stop, target, sized, score, "; ".join(said), held_back)


def _sized(symbol: str, room: Room | None, plan: tuple[float, float], swing: float) -> tuple[Size | None, str]:
    """(size, why it is held back). Without a desk nothing is known, and nothing is held back."""
    if room is None:
        return None, ""
    if room.barred:
        return None, room.barred
    quote = symbol.partition("/")[2]
    if room.currency != quote:
        return None, f"it cannot be sized: the desk's equity is in {room.currency}, this market in {quote}"
    found = size(Opportunity(room.equity, *plan, swing), SizingRules(), room.left)
    if found.value <= 0:
        return found, f"no room: {found.reason}"
    return found, f"{', '.join(room.held)} hold{'s' if len(room.held) == 1 else ''} it already" if room.held else ""


def _allowed(sized: Size) -> float:
    """The size as a share of what the rules alone, without the limits, would take."""
    rules = [value for name, value in sized.allowed if name in ("volatility target", "risk per trade")]
    return min(1.0, sized.value / min(rules)) if rules and min(rules) > 0 else 0.0


def _weight(success: PatternSuccess | None) -> float:
    """1 for evidence; what has none weighs less than half, however good it looks."""
    if success is None or not success.since.known:
        return 0.2
    return 1.0 if success.since.significant else 0.4 * (1 - success.since.p_value)


def _liked(answers: Sequence[str]) -> float:
    """A share in (0, 1): ½ without answers, toward 1 with what was taken and went well."""
    good = sum(_WEIGHT[answer] for answer in answers if _WEIGHT.get(answer, 0) > 0)
    bad = -sum(_WEIGHT[answer] for answer in answers if _WEIGHT.get(answer, 0) < 0)
    return (1 + good) / (2 + good + bad)


def _answers(feedback: Mapping[str, Sequence[str]], pattern: str) -> str:
    count = len(feedback.get(pattern, ()))
    return f"{count} answers of yours to it before" if count else "no answers of yours to it yet"
