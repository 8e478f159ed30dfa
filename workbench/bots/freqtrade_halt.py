"""Pause, resume and halt of a Freqtrade, in the order in which nothing slips through.

Halt: no entries, then a lock of every pair, then exits at market, then looking until nothing is open. `stop` is never
sent: a stopped Freqtrade leaves its positions and its resting stops alone, and refuses to exit them.
"""

import asyncio
from datetime import UTC, datetime

import structlog

from workbench.bots.freqtrade_line import FreqtradeLine
from workbench.bots.freqtrade_locks import Mark, mark_body, marks_of
from workbench.bots.freqtrade_wire import ConfigWire, LockWire, TradeWire, read, read_all
from workbench.domain.errors import BotError, BotFenced, BotUnknown, BotUnreachable, CapabilityMissing

log = structlog.get_logger(__name__)
WITHIN_S = 12.0
LOOK_S = 0.3
AGAIN_S = 3.0
EXIT_S = 20.0  # with a slow exchange an exit was answered after 16 s


class Brake:
    """Effects on one bot. Each may be repeated at any point: what is done already is seen, not done twice."""

    def __init__(self, line: FreqtradeLine, within_s: float = WITHIN_S):
        self._line, self._within_s = line, within_s

    async def pause(self, command_id: str, token: int) -> None:
        """No entries, also after a restart: the state is lost with the process, the lock is not."""
        await self._fence(token, surely=False)
        await self.block()
        await self._mark("pause", command_id, token)

    async def resume(self, command_id: str, token: int) -> None:
        """Take our locks off, then start. Raises BotFenced for a token older than the one that paused it."""
        marks = await self._fence(token)
        for mark in marks:
            await self._line.act("DELETE", f"/locks/{mark.lock_id}")
        if (await self.config()).state != "running":
            await self._line.act("POST", "/start")

    async def halt(self, command_id: str, token: int) -> None:
        """Returns when the bot says that nothing is open. Raises BotError naming what is, within `within_s`."""
        await self._fence(token, surely=False)
        await self.block()
        try:
            await self._mark("halt", command_id, token)
        except BotError as error:  # exits matter more; without its mark the bot says paused, and is told again
            log.warning("halt_not_marked", bot=self._line.bot_id, why=str(error))
        await self._flatten()

    async def block(self) -> None:
        """Into the paused state, from running and from stopped alike; a stopped one is not able to exit."""
        config = await self.config()
        if config.state == "paused":
            return
        try:
            await self._line.act("POST", "/stopentry")
        except CapabilityMissing:
            await self._line.act("POST", "/stopbuy")

    async def config(self) -> ConfigWire:
        return read(ConfigWire, self._line.bot_id, await self._line.ask("/show_config"))

    async def marks(self) -> tuple[Mark, ...]:
        return marks_of(read_all(LockWire, self._line.bot_id, await self._line.ask("/locks"), "locks"))

    async def open_trades(self) -> tuple[TradeWire, ...]:
        return read_all(TradeWire, self._line.bot_id, await self._line.ask("/status"))

    async def _fence(self, token: int, surely: bool = True) -> tuple[Mark, ...]:
        """Another desk's newer mark refuses an older token: the bot's own database is the fence. What makes the bot
        safer goes ahead where that cannot be read."""
        try:
            marks = await self.marks()
        except CapabilityMissing:
            return ()
        except BotError:
            if surely:
                raise
            return ()
        newest = max((mark.token for mark in marks), default=0)
        if 0 < token < newest:
            raise BotFenced(f"{self._line.bot_id} was told under token {newest}; this one is {token}: ask the new desk")
        return marks

    async def _mark(self, verb: str, command_id: str, token: int) -> None:
        """An older Freqtrade without locks by API is paused all the same; only a restart loses it."""
        try:
            if any(mark.verb == verb and mark.token >= token for mark in await self.marks()):
                return
            await self._line.act("POST", "/locks", mark_body(verb, token, command_id, datetime.now(UTC)))
        except CapabilityMissing as error:
            log.warning("freqtrade_without_locks", bot=self._line.bot_id, why=str(error))

    async def _flatten(self) -> None:
        loop = asyncio.get_running_loop()
        until, next_at, trouble = loop.time() + self._within_s, 0.0, ""
        exiting: asyncio.Task[str] | None = None
        try:
            while True:
                try:
                    left = await self.open_trades()
                except BotUnreachable as error:  # an exchange that hangs holds up the answer too; look again
                    left, trouble = None, str(error)
                if left == ():
                    return
                if exiting and exiting.done():
                    trouble, exiting = exiting.result(), None
                if left and exiting is None and loop.time() >= next_at:
                    exiting, next_at = asyncio.create_task(self._exit(left)), loop.time() + AGAIN_S
                if loop.time() >= until:
                    raise BotError(self._named(left, trouble))
                await asyncio.sleep(LOOK_S)
        finally:
            if exiting and not exiting.done():
                exiting.cancel()
                await asyncio.wait([exiting])

    async def _exit(self, left: tuple[TradeWire, ...]) -> str:
        """Ask for all exits at once; then for each trade that has none, so that one that fails keeps up no other.

        Returns what went wrong in words. Never trusts the answer: 'all' is answered alike where nothing was open.
        """
        try:
            await self._line.act("POST", "/forceexit", {"tradeid": "all", "ordertype": "market"}, timeout_s=EXIT_S)
            return ""
        except (BotUnknown, BotUnreachable) as error:
            return str(error)
        except BotError as error:
            trouble = str(error)
        for trade in await self.open_trades():
            body = {"tradeid": str(trade.trade_id), "ordertype": "market"}
            try:
                await self._line.act("POST", "/forceexit", body, timeout_s=EXIT_S)
            except BotError as error:
                trouble = f"{trade.pair}: {error}"
        return trouble

    def _named(self, left: tuple[TradeWire, ...] | None, trouble: str) -> str:
        if left is None:
            shown = "it cannot be seen what is open"
        else:
            shown = ", ".join(f"{trade.pair} {trade.amount:g} (trade {trade.trade_id})" for trade in left)
        words = f"{self._line.bot_id} is paused and locked, not confirmed flat: {shown}"
        return f"{words}; {trouble or 'it goes on exiting'}; look at its venue"
