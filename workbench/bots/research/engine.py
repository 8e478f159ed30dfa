"""The life of a research bot. Crash-only: every fault ends the session, and the next one begins by reading everything
from the venue again."""

import asyncio

import structlog

from workbench.bots.research.hints import follow
from workbench.bots.research.history import History
from workbench.bots.research.lockstep import take_part
from workbench.bots.research.minds import Minds
from workbench.bots.research.options import ResearchOptions
from workbench.bots.research.session import Session, open_session
from workbench.bots.research.standing import Standing
from workbench.bots.research.turns import Turns
from workbench.domain.errors import BotError, ExchangeError, WorkbenchError

log = structlog.get_logger(__name__)
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 15.0
FINISH_S = 1.5
LASTED_S = 60.0  # a session that lasted so long was a good one: the next is tried at once


class Engine:
    """Owns session after session. `turns`: the newest, kept when it has ended: its books are the best known."""

    def __init__(self, options: ResearchOptions, minds: Minds, standing: Standing):
        self.options, self.minds, self.standing = options, minds, standing
        self.history = History()
        self.turns: Turns | None = None
        self.trouble = "connecting"
        self._connected = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def connected(self) -> bool:
        return self._connected.is_set()

    @property
    def session(self) -> Session | None:
        return self.turns.session if self.turns else None

    def start(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._live(), name=f"bot {self.options.bot_id}")

    async def wait_connected(self, timeout_s: float) -> bool:
        """Whether the bot has read the venue, after at most `timeout_s`."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._connected.wait()
        except TimeoutError:
            return False
        return True

    async def stop(self) -> None:
        """Finish the bar being acted on, end all tasks, close. Orders and positions stay at the venue as they are."""
        if self.turns and self.connected:
            await self.turns.finish(FINISH_S)
        if self._task:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self.minds.stop()

    async def halt(self) -> None:
        """Cancel and close everything, verified by reading the venue. Raises BotError naming what is left."""
        if self.turns is None or not self.connected:
            raise BotError(
                "entries are blocked, but the venue does not answer: open positions are not confirmed; "
                "they will be closed when it is back"
            )
        await self.turns.close_all(self.options.halt_within_s)
        if left := self.turns.residue:
            raise BotError(f"entries are blocked, but not all is closed: {', '.join(left)[:500]}; trying on")

    async def _live(self) -> None:
        """Session after session. The only broad catch: whatever ends one is told, and the next begins by reading."""
        pause_s, loop = FIRST_PAUSE_S, asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                await self._one_session()
            except* WorkbenchError as several:
                self.trouble = "; ".join(dict.fromkeys(str(error) for error in _leaves(several)))[:500]
                log.warning("session_ended", bot=self.options.bot_id, why=self.trouble)
            except* Exception as several:
                self.trouble = f"broke: {_leaves(several)[0]!r}"[:500]
                log.exception("session_broke", bot=self.options.bot_id)
            finally:
                self._connected.clear()
            pause_s = FIRST_PAUSE_S if loop.time() - began > LASTED_S else pause_s
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    async def _one_session(self) -> None:
        """Connect and trade until something ends it. Raises what did."""
        options = self.options
        async with open_session(options, self.minds.base.history) as session:
            turns = Turns(session, self.minds, self.standing, self.history, options.lockstep)
            await turns.begin()
            self.turns, self.trouble = turns, ""
            self._connected.set()
            if options.lockstep:
                await take_part(options.exchange, options.bot_id, turns.boundary)
                return
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(follow(session, turns.changed))
                tasks.create_task(turns.mend())
                await turns.follow_closes()
                raise ExchangeError("the candle feed has ended; connecting again")


def _leaves(several: BaseExceptionGroup) -> list[BaseException]:
    return [
        leaf
        for error in several.exceptions
        for leaf in (_leaves(error) if isinstance(error, BaseExceptionGroup) else [error])
    ]
