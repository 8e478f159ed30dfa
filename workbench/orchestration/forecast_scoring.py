"""Scoring of forecasts that matured: what happened, how far off each bot was, and what that does to trust.

`judge` decides and has no clock or wire; what it returns is written in one transaction by the book.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from workbench.domain.errors import ValueRefused
from workbench.ledger.forecast_book import Kept, Round, Settled
from workbench.ledger.forecast_sums import NOT_SCORED, month_of
from workbench.orchestration.consensus import NAME as CONSENSUS
from workbench.orchestration.consensus import REFERENCE_BAND
from workbench.orchestration.forecast_bars import Closes
from workbench.orchestration.heard import Heard, new_heard
from workbench.quant import forecast_scores
from workbench.quant.aggregation import admit, aligned, updated
from workbench.quant.forecast_scores import HISTORY, Score, Yardstick
from workbench.quant.league_sums import Batch, Key, fold

FIGURES = ("crps", "naive", "pinball", "pit", "qlike", "qlike_naive")
TrustOf = Callable[[str, int], str | None]
IsFinal = Callable[[Round], bool]


@dataclass(frozen=True, slots=True)
class Judged:
    """What scoring found. waiting : rounds left for later, with the reason."""

    settled: Settled
    scored: int
    unscored: int
    waiting: Mapping[Round, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Scored:
    kept: Kept
    score: Score
    regime: str
    sigma: float


def judge(rounds: Sequence[Round], closes: Mapping[str, Closes], trust_of: TrustOf, final: IsFinal) -> Judged:
    """Score `rounds` (oldest first) on `closes` by market.

    trust_of : (symbol, seconds ahead) → state as text, None where there is none. final : whether a round whose bars
    are missing is given up, unscored; else it waits.
    """
    scored: list[_Scored] = []
    failed: list[tuple[Kept, str]] = []
    waiting: dict[Round, str] = {}
    heard: dict[tuple[str, int], tuple[Heard, datetime]] = {}
    for one in rounds:
        try:
            stick, happened, bars = _measure(one, closes.get(one.symbol))
        except ValueRefused as error:
            if final(one):
                failed += [(kept, str(error)) for kept in one.kept]
            else:
                waiting[one] = str(error)
            continue
        good = [kept for kept in one.kept if not _elsewhere(kept, stick)]
        failed += [(kept, _elsewhere(kept, stick)) for kept in one.kept if _elsewhere(kept, stick)]
        scored += [_scored(kept, stick, happened) for kept in good]
        key = (one.symbol, one.ahead_s)
        before = heard[key][0] if key in heard else _heard(trust_of(*key), bars)
        heard[key] = _moved(before, good, stick, happened.price), one.matures_at
    sums, days = fold(_batch(scored)) if scored else ([], [])
    states = {key: (known.to_text(), at) for key, (known, at) in heard.items()}
    rows = [*map(_score_row, scored), *(_failed_row(kept, why) for kept, why in failed)]
    settled = Settled(rows, [*sums, *(_unscored_sum(kept) for kept, _ in failed)], days, states)
    return Judged(settled, len(scored), len(failed), waiting)


def reach(rounds: Sequence[Round], bar_s: int) -> dict[str, tuple[datetime, datetime]]:
    """What must be read of each market: from the oldest history needed to the newest outcome."""
    spans: dict[str, tuple[datetime, datetime]] = {}
    for one in rounds:
        since = one.seen_at - timedelta(seconds=HISTORY * bar_s)
        old = spans.get(one.symbol, (since, one.matures_at))
        spans[one.symbol] = min(old[0], since), max(old[1], one.matures_at)
    return spans


def _measure(one: Round, closes: Closes | None) -> tuple[Yardstick, forecast_scores.Outcome, int]:
    """Raises ValueRefused saying which bars are missing."""
    if closes is None:
        raise ValueRefused(f"no bars of {one.symbol} can be read")
    bars, rest = divmod(one.ahead_s, closes.step.seconds)
    at = closes.index(one.seen_at)
    if rest or at is None:
        raise ValueRefused(
            f"{one.symbol}: the venue has no {closes.step} bar that ends at {one.seen_at:%Y-%m-%d %H:%M} UTC"
        )
    try:
        stick = forecast_scores.yardstick(closes.values[max(0, at - HISTORY) : at + 1], bars)
        return stick, forecast_scores.outcome(closes.values[at : at + bars + 1], bars), bars
    except ValueRefused as error:
        raise ValueRefused(f"{one.symbol} {one.seen_at:%Y-%m-%d %H:%M} UTC: {error}") from error


def _elsewhere(kept: Kept, stick: Yardstick) -> str:
    claimed = kept.forecast.reference
    if abs(claimed / stick.reference - 1) <= REFERENCE_BAND:
        return ""
    return f"its last close {claimed:,.8g} is not the venue's {stick.reference:,.8g}"


def _scored(kept: Kept, stick: Yardstick, happened: forecast_scores.Outcome) -> _Scored:
    f = kept.forecast
    uniform = (int(kept.forecast_id[:12], 16) + 0.5) / 16**12  # a draw that scoring again draws again
    score = forecast_scores.score(f.levels, f.values, stick, happened, f.volatility, uniform)
    return _Scored(kept, score, stick.regime, stick.sigma)


def _heard(state: str | None, bars: int) -> Heard:
    return new_heard(bars) if state is None else Heard.from_text(state)


def _moved(heard: Heard, kept: Sequence[Kept], stick: Yardstick, price: float) -> Heard:
    """Trust and calibration after one outcome. The collective is calibrated, and has no part in itself."""
    outcome = float(stick.in_sigmas(price))
    said = {k.forecast.bot_id: forecast_scores.for_trust(k.forecast.levels, k.forecast.values, stick) for k in kept}
    together = said.pop(CONSENSUS, None)
    if together is not None:
        heard = heard.published(together, outcome)
    if not said:
        return heard
    trust = admit(heard.trust, tuple(sorted(said)))
    return replace(heard, trust=updated(trust, aligned(trust, said), outcome))


def _batch(scored: Sequence[_Scored]) -> Batch:
    keys: dict[Key, int] = {}
    code = [keys.setdefault(_key(one), len(keys)) for one in scored]
    columns = {name: np.array([getattr(one.score, name) for one in scored]) for name in FIGURES}
    lowest, highest = (np.array([one.kept.forecast.levels[end] for one in scored]) for end in (0, -1))
    return Batch(tuple(keys), np.array(code), lowest=lowest, highest=highest, **columns)


def _key(one: _Scored) -> Key:
    f = one.kept.forecast
    ahead_s = f.horizon * f.timeframe.seconds
    return Key(f.bot_id, f.symbol, str(f.timeframe), ahead_s, one.regime, month_of(f.seen_at), f.seen_at.day)


def _score_row(one: _Scored) -> dict[str, Any]:
    figures = {name: value if np.isfinite(value) else None for name, value in asdict(one.score).items()}
    told = {"forecast_id": one.kept.forecast_id, "reason": "", "regime": one.regime, "sigma": one.sigma}
    return told | figures


def _failed_row(kept: Kept, why: str) -> dict[str, Any]:
    nothing = dict.fromkeys(("outcome", "sigma", *FIGURES))
    return {"forecast_id": kept.forecast_id, "reason": why, "regime": NOT_SCORED} | nothing


def _unscored_sum(kept: Kept) -> dict[str, Any]:
    f = kept.forecast
    key: dict[str, Any] = {"bot_id": f.bot_id, "symbol": f.symbol, "timeframe": str(f.timeframe)}
    key |= {"ahead_s": f.horizon * f.timeframe.seconds, "regime": NOT_SCORED, "month": month_of(f.seen_at)}
    return key | {"unscored": 1}
