"""`%load_ext workbench`: commands in cells, asked of the desk that runs in this folder, or of its ledger.

session = await open_desk()          # that desk, or one to practise on where none runs; %wb asks it from now on
session.bar()                        # a command bar with completion and history, as a cell's last value
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from workbench.bootstrap.connection import Connection, connect
from workbench.cli.rendering import local_zone
from workbench.commands.asked import Viewer
from workbench.commands.dispatcher import Dispatcher
from workbench.commands.reply import Reply
from workbench.widgets.magic import Magic, install, remove

if TYPE_CHECKING:
    from workbench.bootstrap.practice import Practice
    from workbench.widgets.command_bar import CommandBar

SUGGESTED = ("/help", "/bots", "/status", "/cross forecast {symbol} 30m", "/risk", "/dashboard")


class _Desk:
    """What %wb asks: connects at the first question, once, unless it was given a desk."""

    def __init__(self) -> None:
        self.zone = local_zone()
        self._made: Dispatcher | None = None
        self._turn = asyncio.Lock()

    async def ask(self, line: str) -> Reply:
        async with self._turn:
            if self._made is None:
                self.use(await connect())
        assert self._made
        return await self._made.ask(line)

    def use(self, desk: Connection) -> Dispatcher:
        self._made = Dispatcher(desk.center, desk.ledger, Viewer(zone=self.zone))
        return self._made


_desk = _Desk()


@dataclass(frozen=True, slots=True)
class Session:
    """A desk in a notebook. `bots`: those to practise with, to be registered; none with a desk that runs, whose bots
    announce themselves."""

    desk: Connection
    dispatcher: Dispatcher
    bots: Mapping[str, object] = field(default_factory=dict)
    _practice: "Practice | None" = None

    def bar(self) -> "CommandBar":
        """A command bar, live: make it a cell's last value."""
        from workbench.widgets.command_bar import CommandBar  # for those who show one

        symbol = next(iter(self.dispatcher.known().symbols), "BTC/USD").replace("/", "")
        return CommandBar(self.dispatcher, [line.format(symbol=symbol) for line in SUGGESTED])

    async def close(self) -> None:
        """Let go. A desk that runs goes on; one to practise on ends."""
        await (self._practice or self.desk).close()


async def open_desk() -> Session:
    """The desk that runs in this folder, or one to practise on; %wb asks the same one from now on."""
    found = await connect()
    if found.run is not None or found.registry.members:
        session = Session(found, _desk.use(found))
    else:
        await found.close()
        from workbench.bootstrap.practice import practise  # brings the exchange and the bots

        practice = await practise()
        session = Session(practice.desk, _desk.use(practice.desk), practice.bots, practice)
    await session.desk.center.look(0.0)  # the names of markets, which completion offers
    return session


def load(shell: Any) -> None:
    """Let cells of `shell` say %wb."""
    install(shell, Magic(_desk.ask, _desk.zone))


def unload(shell: Any) -> None:
    remove(shell)
