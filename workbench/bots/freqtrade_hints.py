"""Freqtrade's message stream, taken as a hint that something has changed. It has no replay and no numbers, so what it
says is never the truth: each message and each new connection only asks for another look over REST.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from typing import Any

import aiohttp
import orjson
import structlog

from workbench.bots.freqtrade_line import API, FreqtradeLine
from workbench.domain.errors import BotError
from workbench.owned_task import OwnedTask

log = structlog.get_logger(__name__)
WANTED = ("status", "warning", "exception", "entry", "entry_fill", "exit", "exit_fill", "exit_cancel", "new_candle")
RESTARTING = 1012
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 30.0
ALL = "*"


class Hints:
    """Listens from `start` to `stop`. `changed(kind, data)` is called for each message, with ALL after a connect."""

    def __init__(self, line: FreqtradeLine, changed: Callable[[str, Any], None]):
        self._line, self._changed = line, changed
        self._task = OwnedTask(self._listen_on, "freqtrade hints")
        self.connected = False
        self.warnings: deque[str] = deque(maxlen=5)

    def start(self) -> None:
        self._task.start()

    async def stop(self) -> None:
        await self._task.stop()

    async def _listen_on(self) -> None:
        wait_s = FIRST_WAIT_S
        while True:
            closed_by = 0
            try:
                closed_by = await self._listen()
                wait_s = FIRST_WAIT_S
            except (aiohttp.ClientError, BotError, TimeoutError, OSError) as error:
                log.debug("freqtrade_messages_away", bot=self._line.bot_id, why=type(error).__name__)
            self.connected = False
            await asyncio.sleep(FIRST_WAIT_S if closed_by == RESTARTING else wait_s)
            wait_s = min(wait_s * 2, LONGEST_WAIT_S)

    async def _listen(self) -> int:
        """One connection, to its end; the code it was closed with."""
        token = await self._line.token()
        url = f"{self._line.url}{API}/message/ws"
        async with self._line.session.ws_connect(url, params={"token": token}, heartbeat=20.0) as socket:
            await socket.send_json({"type": "subscribe", "data": list(WANTED)})
            self.connected = True
            self._changed(ALL, None)
            async for message in socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    self._hear(message.data)
            return socket.close_code or 0

    def _hear(self, text: str) -> None:
        with contextlib.suppress(ValueError, AttributeError):
            said = orjson.loads(text)
            kind, data = str(said.get("type", "")), said.get("data")
            if kind in ("warning", "exception"):
                self.warnings.append(" ".join(str(data).split())[:200])
            self._changed(kind, data)
