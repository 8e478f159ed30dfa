"""Joint training: one model over all symbols, a champion and its challengers, kept and announced in the ledger.

    training = JointTraining(ledger)
    report = await training.train(candles, "30m", 48)     # promoted only if better on data after its training
    await training.rollback(report.name, by="ann")

A promotion is an event of DataSync's topic 'models': research bots hear it, fetch the bytes by hash, check them and use
them. Nothing is deleted, so going back is one more promotion.
"""

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import structlog

from workbench.compute import spread
from workbench.domain.errors import LedgerError, ValueRefused
from workbench.domain.market import Timeframe
from workbench.ledger.log import SqlLedger
from workbench.ledger.model_store import ModelStore, ModelVersion, Promotion, rollback_target

if TYPE_CHECKING:
    import pandas as pd

log = structlog.get_logger(__name__)
HORIZON_S = 86400


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """What came of a training. promotion : None where the champion stays; reason : why, in words."""

    name: str
    model: ModelVersion
    promotion: Promotion | None
    reason: str


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One version on a list. champion : it is the one in use."""

    model: ModelVersion
    champion: bool
    promotions: int


def model_name(timeframe: Timeframe | str, horizon: int) -> str:
    """What a joint model is called: its kind, bar length and horizon."""
    return f"volatility:{timeframe}:{horizon}"


class JointTraining:
    """Works from any process; two that train or promote at once do not overwrite each other. scheduler : of a Dask
    cluster on which it learns; '' : here."""

    def __init__(self, ledger: SqlLedger, scheduler: str = ""):
        self.store, self._scheduler = ModelStore(ledger), scheduler

    async def train(
        self,
        candles: Mapping[str, "pd.DataFrame"],
        timeframe: str,
        horizon: int = 0,
        *,
        by: str = "desk",
        scores: Mapping[str, Sequence[Any]] | None = None,
        told: Mapping[str, Sequence[Any]] | None = None,
        progress: Callable[[float, str], None] | None = None,
    ) -> TrainingReport:
        """Train a challenger on candle tables by symbol, judge it, keep it, and promote it where it was better.

        horizon : bars ahead, 0 for a day. scores : source → its `quant.scores.Scores`; told : 'bot/feature' → its own:
        features that know nothing later. Raises ValueRefused where there is too little to learn from or to judge on.
        """
        frame = Timeframe.parse(timeframe)
        ahead = horizon or max(1, HORIZON_S // frame.seconds)
        name = model_name(frame, ahead)
        tell = progress or (lambda done, words: None)
        champion = await asyncio.to_thread(self.store.champion, name)
        tell(0.1, f"training on {len(candles)} markets")
        data, facts = await asyncio.to_thread(
            self._challenge, candles, frame, ahead, champion, (scores or {}, told or {})
        )
        tell(0.9, "keeping it")
        model = await asyncio.to_thread(self.store.put, name, data, facts, by)
        promotion = None
        if facts["better"] and not (champion and champion.sha256 == model.sha256):
            change = champion.change if champion else 0
            promotion = await asyncio.to_thread(self.store.promote, model, change, by, facts["reason"])
        log.info("joint_training", name=name, version=model.version, promoted=bool(promotion), reason=facts["reason"])
        return TrainingReport(name, model, promotion, facts["reason"])

    async def promote(self, name: str, version: int, by: str) -> Promotion:
        """Make a version the champion that was judged better than the one in use. Raises LedgerError otherwise."""
        return await asyncio.to_thread(self._promote, name, version, by)

    async def rollback(self, name: str, version: int = 0, by: str = "desk") -> Promotion:
        """Go back to the champion before (or to `version`, if it was one). Raises LedgerError where there is none."""
        return await asyncio.to_thread(self._rollback, name, version, by)

    async def rows(self) -> list[ModelRow]:
        """Every version of every name, newest first within a name."""
        return await asyncio.to_thread(self._rows)

    def _challenge(
        self,
        candles: Mapping[str, "pd.DataFrame"],
        frame: Timeframe,
        horizon: int,
        champion: Promotion | None,
        beside: tuple[Mapping[str, Sequence[Any]], Mapping[str, Sequence[Any]]],
    ) -> tuple[bytes, dict[str, Any]]:
        from workbench.quant.joint_model import Besides, pack_joint, unpack_joint  # numba, scipy: only here
        from workbench.quant.lifts import told_columns
        from workbench.quant.panels import panel_of
        from workbench.quant.scores import score_columns

        panel = panel_of(candles, frame.seconds)
        closed, (scores, told) = panel.opened_s + panel.bar_s, beside
        extra = score_columns({k: list(v) for k, v in scores.items()}, panel.symbols, closed) if scores else None
        held = unpack_joint(self.store.get(champion.sha256), champion.sha256)[0] if champion else None
        besides = Besides(extra, tuple(scores), told_columns(told, panel.symbols, closed, panel.bar_s))
        (found,) = spread(_challenged, [(panel, horizon, held, besides)], self._scheduler)
        until = datetime.fromtimestamp(found.challenger.model.trained_until_s, UTC).isoformat()
        header = {"timeframe": frame.text, "horizon": horizon, "symbols": list(panel.symbols), "trained_until": until}
        judged = found.judgement
        rival = "" if found.against == "the champion" else f"; {found.against} stood in for a champion"
        facts = {
            **header,
            "rows": found.challenger.model.rows,
            "scores": list(scores),
            "bots": dict(found.bots),
            "lifts": [list(lift.names) for lift in found.challenger.lifts],
            "better": judged.promoted,
            "against": found.against,
            "against_version": champion.version if champion and found.against == "the champion" else 0,
            "loss": _number(found.loss),
            "other_loss": _number(found.other_loss),
            "p_value": _number(judged.p_value),
            "times": judged.rows,
            "reason": f"{judged.reason}{rival}",
        }
        return pack_joint(found.challenger, header), facts

    def _promote(self, name: str, version: int, by: str) -> Promotion:
        model, champion = self._version(name, version), self.store.champion(name)
        if champion and champion.version == version:
            raise LedgerError(f"{name}: version {version} is the champion already")
        if not model.facts.get("better"):
            raise LedgerError(f"{name}: version {version} was not better ({model.facts.get('reason')}); it stays out")
        rival = model.facts.get("against_version", 0)
        if champion and champion.version != rival:
            raise LedgerError(
                f"{name}: version {version} was judged against version {rival or 'none'}, in use is "
                f"{champion.version}; train anew, or roll back first"
            )
        return self.store.promote(model, champion.change if champion else 0, by, str(model.facts["reason"]))

    def _rollback(self, name: str, version: int, by: str) -> Promotion:
        history = self.store.promotions(name)
        if not history:
            raise LedgerError(f"{name} has no champion; /model list names what there is")
        target, now = rollback_target(history, version), history[-1]
        if target == now.version:
            raise LedgerError(f"{name}: version {target} is the champion already")
        model = self._version(name, target)
        self.store.get(model.sha256)  # damaged bytes are found out now, and not by the bots
        return self.store.promote(model, now.change, by, f"rolled back from version {now.version}", rollback=True)

    def _version(self, name: str, version: int) -> ModelVersion:
        known = {model.version: model for model in self.store.versions(name)}
        if version not in known:
            there = ", ".join(map(str, known)) or "none"
            raise ValueRefused(f"{name} has no version {version}; there is {there}")
        return known[version]

    def _rows(self) -> list[ModelRow]:
        rows = []
        for name in self.store.names():
            history = self.store.promotions(name)
            current = history[-1].version if history else 0
            for model in reversed(self.store.versions(name)):
                times = sum(change.version == model.version for change in history)
                rows.append(ModelRow(model, model.version == current, times))
        return rows


def _challenged(asked: tuple) -> Any:
    """`quant.joint_model.challenge`, wherever it is asked."""
    from workbench.quant.joint_model import challenge

    return challenge(*asked)


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
