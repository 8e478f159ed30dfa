"""Running, paused or halted: remembered over a restart, and what may follow what."""

import asyncio

import structlog

from workbench.bots.memory import Memory
from workbench.domain.portfolio import BotState

log = structlog.get_logger(__name__)


class Standing:
    """The bot's trading state. A halt lasts until it is resumed, whatever else is asked."""

    def __init__(self, memory: Memory):
        self._memory = memory
        self.state = BotState(memory.get("state", BotState.RUNNING))

    async def become(self, state: BotState) -> None:
        """Change at once, then remember; a state that cannot be remembered holds all the same, and the log says so."""
        if self.state is BotState.HALTED and state is BotState.PAUSED:
            return
        self.state = state
        try:
            await asyncio.to_thread(self._memory.put, "state", state.value)
        except OSError as error:
            log.error("state_not_remembered", state=state.value, error=str(error))
