"""One line asked in a terminal: progress while it lasts, Ctrl-C to give up."""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

from rich.console import Console
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
    bar = _Bar(to)
    try:
        yield bar
    finally:
        bar.end()


class _Bar:
    """A bar that appears with the first progress and is gone afterwards."""

    def __init__(self, to: Console):
        self._to = to
        self._bars: Any = None
        self._task: Any = None

    def __call__(self, done: float, words: str = "") -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn  # few questions ever need it

        if self._bars is None:
            shown = TextColumn("{task.fields[words]}", markup=False)
            percentage = TextColumn("{task.percentage:>3.0f} %")
            self._bars = Progress(shown, BarColumn(), percentage, TimeElapsedColumn(), console=self._to, transient=True)
            self._bars.start()
            self._task = self._bars.add_task("", total=1.0, words=words)
        self._bars.update(self._task, completed=done, words=words)

    def end(self) -> None:
        if self._bars is not None:
            self._bars.stop()


def _tenths(to: Console):
    told = [-1]

    def tell(done: float, words: str = "") -> None:
        if int(done * 10) > told[0]:
            told[0] = int(done * 10)
            to.print(Text(f"{done:4.0%}  {words}"))

    return tell
