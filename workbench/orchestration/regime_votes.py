"""Votes on the regime of a market: how a bot votes, what is told of them, and what past votes were worth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np

from workbench.domain.forecasts import Analysis
from workbench.ledger.log import SqlLedger
from workbench.orchestration.command_center import UnifiedCommandCenter
from workbench.orchestration.sync_topics import TOPICS
from workbench.quant.regime_reading import MODEL, REFIT, CollectiveRegime, RegimeReading, past_score
from workbench.quant.regimes import Voters

KIND = TOPICS["regimes"][0]
REMEMBERED = 2000  # newest regimes told, of all markets, from which votes are scored
VOTE = "turbulent"  # the indicator in a bot's analysis that is its vote: a probability


@dataclass(frozen=True, slots=True)
class Market:
    """Which regime is meant: of one run, market and bar length."""

    run_id: str
    symbol: str
    timeframe: str

    @property
    def facts(self) -> dict[str, str]:
        return {"run_id": self.run_id, "symbol": self.symbol, "timeframe": self.timeframe}


@dataclass(frozen=True, slots=True)
class VoteRecord:
    """What past votes were worth. scored : voice → votes scored. upto : close of the newest bar whose votes are."""

    voters: Voters = field(default_factory=lambda: Voters({}))
    scored: Mapping[str, int] = field(default_factory=dict)
    upto: str = ""


def vote_of(analysis: Analysis) -> float | None:
    """The probability of turbulence that a bot's analysis gives; None where it gives none."""
    vote = analysis.indicators.get(VOTE)
    return float(vote) if vote is not None and 0 <= vote <= 1 else None


def told_regimes(ledger: SqlLedger) -> list[Mapping[str, Any]]:
    """The newest regimes told, of all markets, oldest first. Blocking."""
    return [event.payload["data"] for event in ledger.last(REMEMBERED, [KIND])]


def vote_record(
    said: Sequence[Mapping[str, Any]], market: Market, closed: Sequence[datetime], returns: np.ndarray
) -> VoteRecord:
    """Score the votes told so far that are REFIT bars old, from where the newest telling had left off.

    said : `told_regimes`. closed : close times of the bars of `returns`, (n_bars,), UTC, rising.
    """
    told = [one for one in said if {**one, **market.facts} == one]
    before = _read(told[-1].get("record")) if told else VoteRecord()
    rows = {at.isoformat(): row for row, at in enumerate(closed)}
    old_enough = len(rows) - REFIT
    due = [one for one in told if one["as_of"] > before.upto and rows.get(one["as_of"], len(rows)) < old_enough]
    if not due:
        return before
    due.sort(key=lambda one: one["as_of"])
    voters = past_score(returns, [(rows[one["as_of"]], _voices(one)) for one in due], before=before.voters)
    names = [name for one in due for name in _voices(one)]
    scored = {name: before.scored.get(name, 0) + names.count(name) for name in {*before.scored, *names}}
    return VoteRecord(voters, scored, due[-1]["as_of"])


async def tell_regime(
    center: UnifiedCommandCenter,
    market: Market,
    as_of: datetime,
    said: tuple[RegimeReading, Mapping[str, float], CollectiveRegime],
    record: VoteRecord,
) -> None:
    """Publish (the model's reading, the bots' votes, what comes of both) and the votes' record, once a bar."""
    reading, votes, together = said
    model = reading.turbulent if np.isfinite(reading.turbulent) else None
    told = {
        **market.facts,
        "as_of": as_of.isoformat(),
        "regime": together.regime,
        "turbulent": together.turbulent,
        "model": {"regime": reading.regime, "turbulent": model},
        "votes": dict(votes),
        "weights": dict(together.weights),
        "record": {
            "losses": dict(record.voters.losses),
            "collective": record.voters.collective,
            "scored": dict(record.scored),
            "upto": record.upto,
        },
    }
    await center.data_sync.publish("regimes", told, key=":".join((*market.facts.values(), str(as_of))))


def _read(told: Any) -> VoteRecord:
    if not told:  # told before votes had a record
        return VoteRecord()
    return VoteRecord(Voters(told["losses"], told["collective"]), told["scored"], told["upto"])


def _voices(told: Mapping[str, Any]) -> dict[str, float]:
    model = told["model"]["turbulent"]
    return {**told["votes"], **({MODEL: model} if model is not None else {})}
