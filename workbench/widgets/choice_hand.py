"""What a viewer chooses of how the page looks, remembered in the order of choosing."""

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol

import structlog

from workbench.domain.errors import WorkbenchError

log = structlog.get_logger(__name__)
NAME_CHARS = 80


class Choices(Protocol):
    """Where choices are kept (`ledger.page_choices.PageChoices` is one)."""

    def all(self) -> dict[str, Any]: ...

    def keep(self, name: str, value: Any) -> None: ...


class ChoiceHand:
    """Hears {"kind": "remember", "name", "value"}. What cannot be remembered is logged: the page looks as chosen all
    the same, until it is closed."""

    def __init__(self, choices: Choices):
        self._choices, self._turn = choices, asyncio.Lock()
        self._tasks: set[asyncio.Task] = set()

    def hear(self, content: Mapping[str, Any]) -> None:
        name = content.get("name")
        if isinstance(name, str) and 0 < len(name) <= NAME_CHARS:
            task = asyncio.create_task(self._keep(name, content.get("value")), name="page-choice")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _keep(self, name: str, value: Any) -> None:
        async with self._turn:
            try:
                await asyncio.to_thread(self._choices.keep, name, value)
            except WorkbenchError as error:
                log.warning("choice_not_kept", choice=name, error=str(error))
