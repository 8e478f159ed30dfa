"""Entries by hand, each under an id that Freqtrade keeps as the trade's tag: so an answer that never came is found out.

With a slow exchange an entry was answered after 16 s, and had succeeded. A time-out therefore is *unknown*: nothing is
sent again; the tag is looked for among open and finished trades until the bot has shown one, or the wait is over.
"""

import asyncio
import contextlib

from workbench.bots.freqtrade_line import FreqtradeLine
from workbench.bots.freqtrade_wire import TradeWire, read_all
from workbench.domain.errors import BotError, BotUnknown

TAG = "wb:"
LOOK_S = 0.5
NEWEST = 200


class Entries:
    """Force-entries of one bot; needs `force_entry_enable` in its config, and that it runs."""

    def __init__(self, line: FreqtradeLine):
        self._line = line

    async def enter(
        self, pair: str, command_id: str, *, side: str = "long", stake: float | None = None, timeout_s: float = 10.0
    ) -> TradeWire:
        """Enter once for `command_id`, and return the trade. Raises BotUnknown where that cannot be told yet; ask
        `find` later, never enter again under another id."""
        if known := await self.find(command_id):
            return known
        body = {"pair": pair, "side": side, "entry_tag": TAG + command_id, "stakeamount": stake}
        with contextlib.suppress(BotUnknown):  # it may have entered: that is looked for, not tried again
            await self._line.act("POST", "/forceenter", body, timeout_s=timeout_s)
        return await self.reconcile(command_id, timeout_s)

    async def find(self, command_id: str) -> TradeWire | None:
        """The trade that carries the id, open or finished. Raises BotError where the bot cannot be read."""
        tag = TAG + command_id
        open_now = read_all(TradeWire, self._line.bot_id, await self._line.ask("/status"))
        if found := next((trade for trade in open_now if trade.tag == tag), None):
            return found
        said = await self._line.ask(f"/trades?limit={NEWEST}&order_by_id=false")
        ended = read_all(TradeWire, self._line.bot_id, said, "trades")
        return next((trade for trade in ended if trade.tag == tag), None)

    async def reconcile(self, command_id: str, within_s: float = 30.0) -> TradeWire:
        """Look until the trade shows. Raises BotUnknown where it has not: it may still come."""
        loop = asyncio.get_running_loop()
        until, why = loop.time() + within_s, "no trade carries its tag"
        while True:
            try:
                if found := await self.find(command_id):
                    return found
            except BotError as error:
                why = str(error)
            if loop.time() >= until:
                words = f"{self._line.bot_id}: whether {command_id} entered is unknown ({why})"
                raise BotUnknown(f"{words}; look for the tag {TAG}{command_id} before anything else")
            await asyncio.sleep(LOOK_S)
