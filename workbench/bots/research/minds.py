"""The strategies of one bot: one a market (each may be tuned on its own), with one shared model where they learn."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pandas as pd
import structlog

from workbench.bots.memory import Memory
from workbench.bots.research.kinds import strategy
from workbench.bots.research.strategy import Decision, Holding, Keep, Strategy, Wait

log = structlog.get_logger(__name__)


class Minds:
    """`base`: the strategy every market starts from; tuned values are kept in `memory`."""

    def __init__(self, kind: str, memory: Memory):
        self.base, self.memory = strategy(kind), memory
        self.trouble = ""
        self._own: dict[str, Strategy] = {}
        self._training: asyncio.Task[None] | None = None

    def of(self, symbol: str) -> Strategy:
        """The strategy of one market, with its tuned values."""
        if symbol not in self._own:
            tuned = self.memory.get(f"params:{symbol}")
            params = self.base.params.changed(tuned) if tuned else self.base.params
            self._own[symbol] = self.base.with_params(params)
        return self._own[symbol]

    def decide(self, symbol: str, candles: pd.DataFrame, holding: Holding | None) -> Decision:
        """What `symbol`'s strategy says, the last of `candles` having just closed."""
        mind = self.of(symbol)
        if not mind.ready:
            return Keep(holding.stop, "still learning") if holding else Wait("still learning")
        return mind.decide(candles, holding)

    async def adopt(self, symbol: str, params: Mapping[str, Any]) -> None:
        """Trade `symbol` with tuned values from now on, also after a restart."""
        await asyncio.to_thread(self.memory.put, f"params:{symbol}", dict(params))
        self._own.pop(symbol, None)

    def due(self, bar_number: int) -> bool:
        """Whether to learn again at this bar (counted from the epoch, so that every run learns at the same bars)."""
        return bool(self.base.retrain) and (not self.base.ready or bar_number % self.base.retrain == 0)

    async def learn(self, panel: Mapping[str, pd.DataFrame]) -> None:
        """Learn from closed bars, in a thread. What cannot be learnt is said in `trouble`; the old model stays."""
        try:
            self.base = await asyncio.to_thread(self.base.fitted, panel)
        except ValueError as error:
            self.trouble = f"cannot learn: {error}"
            log.warning("not_trained", error=str(error))
            return
        self.trouble = ""
        self._own.clear()
        log.info("trained", version=self.base.version)

    def learn_beside(self, panel: Mapping[str, pd.DataFrame]) -> None:
        """Learn while trading goes on; one training at a time."""
        if self._training is None or self._training.done():
            self._training = asyncio.create_task(self.learn(panel))
            self._training.add_done_callback(self._tell)

    async def stop(self) -> None:
        """Forget a training under way; its thread ends by itself within about a second."""
        if self._training:
            self._training.cancel()
            await asyncio.wait([self._training])

    def _tell(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            self.trouble = f"learning broke: {error}"
            log.error("training_broke", error=repr(error))
