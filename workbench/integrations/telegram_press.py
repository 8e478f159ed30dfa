"""Pictures for alerts, drawn one after the other beside everything else: nothing waits for a picture but its own words.

In a flood what would wait behind too many goes without: words on time are worth more than a picture late.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import structlog

from workbench.domain.errors import TellingError
from workbench.domain.events import Event
from workbench.domain.telling import Message
from workbench.owned_task import OwnedTask

log = structlog.get_logger(__name__)
MOST_WAITING = 3
PATIENCE_S = 15.0
Draw = Callable[[Event], Awaitable[bytes | None]]


class Press:
    """`offer` gets each message once, with its picture where one could be drawn in time."""

    def __init__(self, draw: Draw, offer: Callable[[Message], object]):
        self._draw, self._offer = draw, offer
        self._waiting: asyncio.Queue[tuple[Event, Message]] = asyncio.Queue(MOST_WAITING)
        self._taken = 0
        self._task = OwnedTask(self._print, "alert pictures")

    def start(self) -> None:
        self._task.start()

    async def stop(self) -> None:
        await self._task.stop()

    @property
    def busy(self) -> bool:
        """Whether a message is here that was not offered yet."""
        return self._taken > 0

    def take(self, event: Event, message: Message) -> None:
        """Returns at once."""
        self._taken += 1
        try:
            self._waiting.put_nowait((event, message))
        except asyncio.QueueFull:
            self._done(message)

    async def _print(self) -> None:
        while True:
            event, message = await self._waiting.get()
            png = None
            try:
                async with asyncio.timeout(PATIENCE_S):
                    png = await self._draw(event)
            except TimeoutError:
                log.warning("alert_picture_late", kind=event.kind)
            except Exception:  # the supervisor of pictures: one that breaks must not end the alerts
                log.exception("alert_picture_broke", kind=event.kind)
            self._done(replace(message, png=png))

    def _done(self, message: Message) -> None:
        self._taken -= 1
        try:
            self._offer(message)
        except TellingError as error:
            log.warning("telegram_alert_lost", error=str(error))
