"""Setups on the market now, in the order in which they deserve a look: each with its plan and the reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from workbench.domain.orders import Side
from workbench.domain.patterns import OutcomeRule, Recognition
from workbench.visual.pattern_success import PatternSuccess

RISKED = 0.01  # of equity, lost at the stop
ANSWERS = ("taken", "skipped", "success", "failure")
_WEIGHT = {"taken": 1.0, "skipped": -1.0, "success": 2.0, "failure": -2.0}


@dataclass(frozen=True, slots=True)
class Advice:
    """entry, stop, target : quote currency; size_share : of equity, None where the room in risk is not known. score in
    [0, 1]; reason says what it is made of."""

    advice_id: str
    recognition: Recognition
    side: Side
    entry: float
    stop: float
    target: float
    size_share: float | None
    score: float
    reason: str


def advise(
    found: Sequence[Recognition],
    closes: Mapping[tuple[str, str], float],
    record: Mapping[str, PatternSuccess],
    feedback: Mapping[str, Sequence[str]],
    regime_record: Mapping[str, PatternSuccess] | None = None,
    room: float | None = None,
) -> list[Advice]:
    """Rank recognitions, best first.

    closes : the newest close of each (symbol, timeframe). record : success of each pattern over all; regime_record :
    in the state the market is in now. feedback : this user's answers by pattern. room : share of equity that the limits
    still allow; 0 or less: nothing is advised; None: not known, then no size is named.
    """
    if room is not None and room <= 0:
        return []
    made = [_one(one, closes, record, feedback, regime_record or {}, room) for one in found]
    return sorted(made, key=lambda one: (-one.score, one.advice_id))


def _one(one: Recognition, closes, record, feedback, regimes, room: float | None) -> Advice:
    own = record.get(one.pattern)
    rule = own.rule if own else OutcomeRule()
    close, up = closes[one.symbol, one.timeframe.text], 1 if rule.side is Side.BUY else -1
    similar = max((near.similarity for near in one.nearest), default=0.0)
    parts = {
        "evidence": _weight(own),
        "similarity": max(0.0, similar),
        "regime": _weight(regimes.get(one.pattern)),
        "liked": _liked(feedback.get(one.pattern, ())),
    }
    score = 0.4 * parts["evidence"] + 0.25 * parts["similarity"] + 0.15 * parts["regime"] + 0.2 * parts["liked"]
    size = None if room is None else min(RISKED / rule.stop, room)
    words = own.words if own else "no record yet"
    reason = (
        f"{words}; {similar:.0%} like your own, probability {one.probability:.0%}, {_answers(feedback, one.pattern)}"
    )
    key = f"{one.pattern}|{one.symbol}|{one.timeframe}|{one.last_at.isoformat()}"
    prices = close, close * (1 - up * rule.stop), close * (1 + up * rule.target)
    return Advice(sha256(key.encode()).hexdigest()[:10], one, rule.side, *prices, size, score, reason)


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
