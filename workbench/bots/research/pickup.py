"""A bot picks up the models that the desk promotes: heard from the ledger, checked, used for its forecasts.

What arrives is numbers with a hash (`quant.model_file`), never anything that runs. A model that cannot be used is
refused in words, and the one before stays. Entries and exits are decided by the bot's own strategy; a joint model tells
how far prices may go.
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import structlog

from workbench.domain.errors import ModelRefused, ValueRefused, WorkbenchError
from workbench.domain.market import Timeframe
from workbench.owned_task import OwnedTask

if TYPE_CHECKING:
    from workbench.ledger.model_store import ModelStore, Promotion
    from workbench.quant.joint_model import JointModel

log = structlog.get_logger(__name__)
RETRY_S = 5.0
SAID = 1000  # newest features kept in memory: enough bars of enough bots to know what is known now


@dataclass(frozen=True, slots=True, eq=False)
class HeldModel:
    """A champion in use. name, version, sha256 : as announced."""

    name: str
    version: int
    sha256: str
    joint: "JointModel"

    @property
    def words(self) -> str:
        return f"{self.name}#{self.version}:{self.sha256[:8]}"

    def opinion(
        self,
        tables: Mapping[str, pd.DataFrame],
        symbol: str,
        horizon: int,
        levels: tuple[float, ...],
        told: Mapping[str, np.ndarray] | None = None,
    ) -> tuple[tuple[float, ...], float] | None:
        """(prices at `levels`, standard deviation of the log return) `horizon` bars after the last bar of `symbol`.

        tables : closed candles of all markets; later bars of the others are not used. told : what bots said of it, as
        `ModelPickup.told` gives it. None where the model says nothing of it: history too short, a horizon too far from
        its own.
        """
        from workbench.quant.panels import features, panel_of

        upto = tables[symbol].index[-1]
        panel = panel_of({name: table.loc[:upto] for name, table in tables.items()}, self.joint.model.bar_s)
        known = features(panel)[-1, panel.symbols.index(symbol)]
        try:
            deviation = float(self.joint.deviation(known[None], horizon, told)[0])
        except ValueRefused:
            return None
        if not deviation > 0:  # NaN too: a bar of the windows is missing
            return None
        return self.joint.fan(float(tables[symbol]["close"].iloc[-1]), deviation, levels), deviation


class ModelPickup:
    """Follows promotions, and what bots say, in the ledger at `url`. `held`: champions by name. `trouble`: why the
    newest is not used."""

    def __init__(self, url: str):
        self._url = url
        self.held: dict[str, HeldModel] = {}
        self.trouble = ""
        self._said: deque[Mapping[str, Any]] = deque(maxlen=SAID)
        self._task = OwnedTask(self._follow, "model pickup")

    def start(self) -> None:
        """Begin to follow; does nothing without a ledger."""
        if self._url:
            self._task.start()

    async def stop(self) -> None:
        await self._task.stop()

    def of(self, bar_s: int, horizon: int) -> HeldModel | None:
        """The champion for bars of this length whose own horizon is nearest; None where there is none."""
        fitting = [held for held in self.held.values() if held.joint.model.bar_s == bar_s]
        return min(fitting, key=lambda held: abs(np.log(horizon / held.joint.model.horizon)), default=None)

    def told(self, world: str, timeframe: str, symbol: str, at: datetime) -> dict[str, np.ndarray]:
        """'bot/feature' → what was known of a market at `at`, (1,), NaN where nothing is or it is stale."""
        from workbench.ledger.feature_log import series_of
        from workbench.quant.lifts import told_columns
        from workbench.quant.scores import scores_by_name

        scores = scores_by_name(series_of(self._said, world, timeframe))
        columns = told_columns(scores, (symbol,), np.array([at.timestamp()]), Timeframe.parse(timeframe).seconds)
        return {name: column[:, 0] for name, column in columns.items()}

    async def _follow(self) -> None:
        """For ever: a ledger that is away comes back. The broad catch keeps a bot trading whatever a model is."""
        while True:
            try:
                await self._listen()
            except WorkbenchError as error:
                self.trouble = f"models are not heard of: {error}"[:500]
                log.warning("model_pickup_interrupted", error=str(error))
            except Exception as error:
                self.trouble = f"picking up models broke: {error!r}"[:500]
                log.exception("model_pickup_broke")
            await asyncio.sleep(RETRY_S)

    async def _listen(self) -> None:
        from workbench.ledger.feature_log import FEATURES_TOLD
        from workbench.ledger.log import open_ledger  # half a second that bots without a ledger need not pay
        from workbench.ledger.model_store import MODEL_PROMOTED, ModelStore

        ledger = await asyncio.to_thread(open_ledger, self._url)
        try:
            store, head = ModelStore(ledger), await asyncio.to_thread(ledger.head)
            for name in await asyncio.to_thread(store.names):
                await self._take(store, await asyncio.to_thread(store.champion, name))
            self._said.extend(each.payload for each in await asyncio.to_thread(ledger.last, SAID, [FEATURES_TOLD]))
            async for event in ledger.tail(head, [MODEL_PROMOTED, FEATURES_TOLD]):
                if event.kind == FEATURES_TOLD:
                    self._said.append(event.payload)
                    continue
                name = str(event.payload["name"])
                await self._take(store, await asyncio.to_thread(store.champion, name))
        finally:
            await asyncio.shield(asyncio.to_thread(ledger.close))

    async def _take(self, store: "ModelStore", champion: "Promotion | None") -> None:
        if champion is None:
            return
        known = self.held.get(champion.name)
        if known and (known.version, known.sha256) == (champion.version, champion.sha256):
            self.trouble = ""
            return
        try:
            self.held[champion.name] = await asyncio.to_thread(_read, store, champion)
        except ModelRefused as error:
            self.trouble = f"{champion.name} version {champion.version} is not used: {error}"[:500]
            log.warning("model_refused", name=champion.name, version=champion.version, error=str(error))
            return
        self.trouble = ""
        log.info("model_picked_up", name=champion.name, version=champion.version, sha256=champion.sha256)


def _read(store: "ModelStore", champion: "Promotion") -> HeldModel:
    from workbench.quant.joint_model import unpack_joint

    joint, _ = unpack_joint(store.get(champion.sha256), champion.sha256)
    if joint.scores:
        raise ModelRefused(f"it reads the scores {', '.join(joint.scores)[:100]}, which this bot does not have")
    return HeldModel(champion.name, champion.version, champion.sha256, joint)
