"""A task in the background that somebody owns: begun once, ended and waited for, its fault never swallowed."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

log = structlog.get_logger(__name__)


class OwnedTask:
    """`work` in a task of the running loop, from `start` to `stop`; a fault that ends it is logged with `name`.

    listener = OwnedTask(self._listen, "hints")
    listener.start()  # again: nothing, unless the work has ended
    await listener.stop()
    """

    def __init__(self, work: Callable[[], Coroutine[Any, Any, object]], name: str):
        self._work, self.name = work, name
        self._task: asyncio.Task[object] | None = None

    @property
    def running(self) -> bool:
        return self._task is not None and not self._task.done()

    def start(self) -> None:
        """Needs a running loop: the kernel's in a notebook."""
        if not self.running:
            self._task = asyncio.create_task(self._work(), name=self.name)
            self._task.add_done_callback(self._tell)

    async def stop(self) -> None:
        """Cancel, and wait for the work's own ending. May be repeated."""
        if self._task:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None

    def _tell(self, task: asyncio.Task[object]) -> None:
        if not task.cancelled() and (error := task.exception()):
            log.error("task_died", task=self.name, error=f"{type(error).__name__}: {error}")
