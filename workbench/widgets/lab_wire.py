"""The pattern lab as the page receives it, and what a page may ask, checked. Pure.

Times are epoch milliseconds, fractions stay fractions, what is not finite is null. Names and notes are cropped text.
"""

import base64
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import numpy as np

from workbench.domain.errors import ValueRefused
from workbench.domain.market import Timeframe
from workbench.domain.orders import Side
from workbench.domain.patterns import (
    LONGEST_NAME,
    LONGEST_NOTE,
    Annotation,
    Bar,
    Outcome,
    OutcomeRule,
    Pattern,
    pattern_name,
)
from workbench.ledger.accepted_patterns import Offered
from workbench.quant.outcomes import Ending
from workbench.quant.significance import Evidence
from workbench.visual.lab_charts import Part, Window
from workbench.visual.lab_learner import Finding, Trained
from workbench.visual.lab_session import Label, Match, key_of
from workbench.visual.pattern_success import PatternSuccess
from workbench.widgets import desk_wire as wire
from workbench.widgets.desk_wire import Json

MINI_BARS, MINIS = 40, 3
WHOLE = "all"
FILES, LARGEST_FILE = ("csv", "parquet", "json"), 8 * 2**20  # characters of base64: 6 MB
UNCOUNTED, COUNTING = "not counted yet: press Train", "counting, beside matched random entries"
_ID_CHARS = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.@:")


def window_in(content: Mapping[str, Any]) -> Window:
    """{"symbol", "timeframe", "first", "last"} as a Window. Raises ValueRefused or TimeframeError."""
    first, last = (moment_in(content.get(name), name) for name in ("first", "last"))
    if not first < last:
        raise ValueRefused("a window begins before it ends; brush it again")
    return Window(
        text_in(content.get("symbol"), 80), Timeframe.parse(text_in(content.get("timeframe"), 12)), first, last
    )


def rule_in(content: Any) -> OutcomeRule:
    """{"side", "target", "stop", "horizon", "cost"}; what is missing is as usual. Raises ValueRefused."""
    told, usual = content if isinstance(content, Mapping) else {}, OutcomeRule()
    side = told.get("side", usual.side.value)
    if side not in (Side.BUY.value, Side.SELL.value):
        raise ValueRefused("side is buy or sell")
    fractions = {name: _number(told.get(name, getattr(usual, name)), name) for name in ("target", "stop", "cost")}
    horizon = _number(told.get("horizon", usual.horizon), "horizon")
    if horizon != int(horizon):
        raise ValueRefused(f"horizon is a whole number of bars, got {horizon}")
    return OutcomeRule(Side(side), horizon=int(horizon), **fractions)


def label_in(content: Mapping[str, Any]) -> Label:
    """{"pattern", "outcome", "rule", "note", "shared"}; outcome "rule" leaves it to the rule. Raises ValueRefused."""
    name = text_in(content.get("pattern"), 10 * LONGEST_NAME).strip()
    note = text_in(content.get("note") or "", 2 * LONGEST_NOTE).strip()
    said = content.get("outcome", "rule")
    if said != "rule" and said not in [outcome.value for outcome in Outcome]:
        raise ValueRefused("outcome is rule, success, failure or open")
    outcome = None if said == "rule" else Outcome(said)
    rule = rule_in(content.get("rule")) if outcome is None else None
    return Label(pattern_name(name), rule, outcome, note, content.get("shared") is True)


def id_in(value: Any) -> str:
    """An annotation's id as a page may name it. Raises ValueRefused."""
    if not isinstance(value, str) or not 0 < len(value) <= 120 or not set(value) <= _ID_CHARS:
        raise ValueRefused("that names no label")
    return value


def text_in(value: Any, limit: int) -> str:
    if not isinstance(value, str) or len(value) > limit:
        raise ValueRefused(f"text of at most {limit} characters was expected, got {str(value)[:40]!r}")
    return value


def ending_in(value: Any) -> str:
    """The kind of a file of labels, as its name ends. Raises ValueRefused."""
    if value not in FILES:
        raise ValueRefused(f"labels go to and come from {', '.join(FILES)}, not {str(value)[:20]!r}")
    return str(value)


def bytes_in(value: Any) -> bytes:
    """A file as base64. Raises ValueRefused."""
    if not isinstance(value, str) or len(value) > LARGEST_FILE:
        raise ValueRefused("that file is none, or larger than 6 MB")
    try:
        return base64.b64decode(value, validate=True)
    except ValueError as error:
        raise ValueRefused("that file did not arrive whole; try again") from error


def moment_in(value: Any, what: str) -> datetime:
    seconds = _number(value, what) / 1000
    if not 0 <= seconds < 4102444800:
        raise ValueRefused(f"{what} is a time in epoch milliseconds, got {value!r}")
    return datetime.fromtimestamp(seconds, UTC)


def _number(value: Any, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueRefused(f"{what} is a number, got {str(value)[:40]!r}")
    return float(value)


def window(told: Window) -> Json:
    return {
        "key": wire.clean(key_of(told), 160),
        "symbol": wire.clean(told.symbol, wire.NAME_CHARS),
        "timeframe": told.timeframe.text,
        "first": wire.millis(told.first_at),
        "last": wire.millis(told.last_at),
    }


def chart(part: Part) -> Json:
    """Bars as [ms, open, high, low, close, volume], rising."""
    times = part.bars.index.as_unit("ms").asi8.tolist()
    rows = part.bars.to_numpy().tolist()
    return {
        "symbol": wire.clean(part.symbol, wire.NAME_CHARS),
        "timeframe": part.timeframe.text,
        "step": part.timeframe.milliseconds,
        "before": part.before,
        "after": part.after,
        "newest": wire.millis(part.newest),
        "bars": [[at, *row] for at, row in zip(times, rows, strict=True)],
    }


def mini(bars: Sequence[Bar], most: int = MINI_BARS) -> list[list[float]]:
    """A small picture of a window: at most `most` bars [open, high, low, close], neighbours taken together."""
    told = np.asarray(bars, dtype=float)
    edges = np.linspace(0, len(told), min(most, len(told)) + 1).astype(int)
    parts = [told[a:b] for a, b in pairwise(edges)]
    return [[_short(p[0, 0]), _short(p[:, 1].max()), _short(p[:, 2].min()), _short(p[-1, 3])] for p in parts]


def label(one: Annotation) -> Json:
    return {
        **window(Window(one.symbol, one.timeframe, one.first_at, one.last_at)),
        "id": one.annotation_id,
        "pattern": wire.clean(one.pattern, wire.NAME_CHARS),
        "bars": len(one.bars),
        "outcome": one.outcome.value,
        "rule": None if one.rule is None else rule(one.rule),
        "note": wire.clean(one.note, LONGEST_NOTE),
        "shared": one.shared,
        "seen": wire.millis(one.seen_until),
        "mini": mini(one.bars),
    }


def named(one: Offered) -> tuple[str, str]:
    """Owner and pattern as a page shows them."""
    return wire.clean(one.owner, wire.NAME_CHARS), wire.clean(one.pattern, wire.NAME_CHARS)


def offer(one: Offered) -> Json:
    """A pattern that somebody else shares, with pictures of its first few labels."""
    outcomes, (owner, pattern) = [each.outcome for each in one.labels], named(one)
    return {
        "owner": owner,
        "pattern": pattern,
        "labels": len(outcomes),
        "won": outcomes.count(Outcome.SUCCESS),
        "decided": len(outcomes) - outcomes.count(Outcome.OPEN),
        "accepted": one.accepted,
        "minis": [mini(each.bars) for each in one.labels[:MINIS]],
    }


def rule(told: OutcomeRule) -> Json:
    return {
        "side": told.side.value,
        "target": told.target,
        "stop": told.stop,
        "horizon": told.horizon,
        "cost": told.cost,
    }


def pattern(told: Pattern) -> Json:
    return {
        "name": wire.clean(told.name, wire.NAME_CHARS),
        "labels": told.labels,
        "rule": None if told.rule is None else rule(told.rule),
    }


def ending(told: Ending) -> Json:
    return {"outcome": told.outcome.value, "by": told.by, "bars": told.bars, "gain": wire.number(told.gain)}


def match(found: Match) -> Json:
    return {
        **window(found.window),
        "bars": len(found.bars),
        "mini": mini(found.bars),
        "likeness": wire.number(found.likeness),
        "pattern": wire.clean(found.pattern, wire.NAME_CHARS),
        "probability": wire.number(found.probability),
    }


def finding(found: Finding) -> Json:
    """A recognition; `nearest` names labels that the page has already."""
    told = found.recognition
    return {
        **window(Window(told.symbol, told.timeframe, told.first_at, told.last_at)),
        "pattern": wire.clean(told.pattern, wire.NAME_CHARS),
        "bars": len(found.bars),
        "probability": wire.number(told.probability),
        "p": wire.number(told.p_value),
        "nearest": [{"id": near.annotation_id, "likeness": wire.number(near.similarity)} for near in told.nearest],
        "mini": mini(found.bars),
    }


def trained(told: Trained | None) -> Json | None:
    if told is None:
        return None
    labels = {wire.clean(name, wire.NAME_CHARS): count for name, count in told.labels.items()}
    return {"labels": labels, "score": wire.number(told.score), "words": wire.clean(told.words), "stale": told.stale}


def records(patterns: Sequence[Pattern], counted: Sequence[PatternSuccess], otherwise: str = UNCOUNTED) -> list[Json]:
    """Each pattern with what its labels say and, where it has been counted, its whole record and the cuts of it; with
    the words `otherwise` where it has not."""
    return [_record(told, [one for one in counted if one.pattern == told.name], otherwise) for told in patterns]


def _record(told: Pattern, counted: Sequence[PatternSuccess], otherwise: str) -> Json:
    whole = next((one for one in counted if one.cut == WHOLE), None)
    return {
        "pattern": wire.clean(told.name, wire.NAME_CHARS),
        "labels": told.labels,
        "won": told.successes,
        "decided": told.successes + told.failures,
        "seen": None if whole is None else evidence(whole.seen),
        "since": None if whole is None else evidence(whole.since),
        "words": wire.clean(otherwise if whole is None else whole.words),
        "cuts": [
            {"cut": wire.clean(one.cut, wire.NAME_CHARS), "seen": evidence(one.seen), "since": evidence(one.since)}
            for one in counted
            if one.cut != WHOLE
        ],
    }


def evidence(told: Evidence) -> Json:
    return {
        "known": told.known,
        "won": told.successes,
        "low": wire.number(told.low),
        "high": wire.number(told.high),
        "mean": wire.number(told.mean_net),
        "chance": wire.number(told.random_rate),
        "p": wire.number(told.corrected) if told.known else None,
        "trials": told.trials,
        "evidence": told.significant,
    }


def _short(value: float) -> float:
    return float(f"{value:.6g}")
