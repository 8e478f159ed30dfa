"""One line asked in a terminal: progress while it lasts, Ctrl-C to give up."""

import asyncio
import contextlib
from collections.abc import Iterator

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from workbench.bootstrap.connection import connect
from workbench.cli.rendering import console, exit_status, local_zone, show, show_json
from workbench.commands.asked import Viewer
from workbench.commands.dispatcher import Dispatcher
from workbench.commands.reply import Reply


def answer(line: str, as_json: bool) -> int:
    """Ask `line`, show the reply, return the exit status."""
    to = console()
    reply = asyncio.run(_once(line, to))
    if as_json:
        show_json(reply)
    else:
        show(reply, to, local_zone())
    return exit_status(reply)


async def _once(line: str, to: Console) -> Reply:
    async with connect() as desk:
        dispatcher = Dispatcher(desk.center, desk.ledger, Viewer(zone=local_zone()))
        with progress_shown(to) as progress:
            return await dispatcher.ask(line, progress)


@contextlib.contextmanager
def progress_shown(to: Console) -> Iterator:
    """A function (fraction, words) that draws a bar in a terminal, or a line for each tenth in a pipe. Nothing is drawn
    before it is called."""
    if not to.is_terminal:
        yield _tenths(to)
        return
    columns = (
        TextColumn("{task.fields[words]}", markup=False),
        BarColumn(),
        "{task.percentage:>3.0f} %",
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=to, transient=True) as bars:
        tasks: list = []

        def tell(done: float, words: str = "") -> None:
            if not tasks:
                tasks.append(bars.add_task("", total=1.0, words=words))
            bars.update(tasks[0], completed=done, words=words)

        yield tell


def _tenths(to: Console):
    told = [-1]

    def tell(done: float, words: str = "") -> None:
        if int(done * 10) > told[0]:
            told[0] = int(done * 10)
            to.print(Text(f"{done:4.0%}  {words}"))

    return tell
