"""`%load_ext workbench`: commands in cells, asked of the desk that runs in this folder, or of its ledger."""

import asyncio
from typing import Any

from workbench.bootstrap.connection import Connection, connect
from workbench.cli.rendering import local_zone
from workbench.commands.asked import Viewer
from workbench.commands.dispatcher import Dispatcher
from workbench.commands.reply import Reply
from workbench.widgets.magic import Magic, install, remove


class _Desk:
    """Connects at the first question, once."""

    def __init__(self) -> None:
        self._zone = local_zone()
        self._made: tuple[Connection, Dispatcher] | None = None
        self._turn = asyncio.Lock()

    async def ask(self, line: str) -> Reply:
        async with self._turn:
            if self._made is None:
                desk = await connect()
                self._made = desk, Dispatcher(desk.center, desk.ledger, Viewer(zone=self._zone))
        return await self._made[1].ask(line)


def load(shell: Any) -> None:
    """Let cells of `shell` say %wb."""
    desk = _Desk()
    install(shell, Magic(desk.ask, local_zone()))


def unload(shell: Any) -> None:
    remove(shell)
