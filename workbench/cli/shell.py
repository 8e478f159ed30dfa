"""Ask in a loop, with completion and history. Ctrl-C gives up a question, Ctrl-D leaves."""

import argparse
import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import Completer, Completion
from prompt_toolkit.history import FileHistory, History, InMemoryHistory

from workbench.bootstrap.connection import connect
from workbench.cli.asking import progress_shown
from workbench.cli.rendering import console, local_zone, show
from workbench.commands.asked import Viewer
from workbench.commands.completion import complete
from workbench.commands.dispatcher import Dispatcher
from workbench.settings import load_settings

LEAVE = {"exit", "quit", "/exit", "/quit", "/q"}


def configure(parser: argparse.ArgumentParser) -> None:
    """No arguments: the shell asks for everything."""


def run(args: argparse.Namespace) -> int:
    return asyncio.run(_converse())


async def _converse() -> int:
    to, zone = console(), local_zone()
    async with connect() as desk:
        dispatcher = Dispatcher(desk.center, desk.ledger, Viewer(zone=zone))
        if sys.stdin.isatty():
            reply = await dispatcher.ask("/bots")
            show(reply, to, zone)
        async for line in _lines(dispatcher):
            with progress_shown(to) as progress:
                reply = await _interruptible(dispatcher, line, progress)
            if reply is not None:
                show(reply, to, zone)
    return 0


async def _interruptible(dispatcher: Dispatcher, line: str, progress):
    """The reply, or None where Ctrl-C gave the question up. A second Ctrl-C leaves at once."""
    asking = asyncio.ensure_future(dispatcher.ask(line, progress))
    try:
        return await asyncio.shield(asking)
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or not sys.stdin.isatty():
            raise
        task.uncancel()
        asking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asking
        return None


async def _lines(dispatcher: Dispatcher) -> AsyncIterator[str]:
    """Lines from the keyboard, or from a pipe."""
    if not sys.stdin.isatty():
        while line := await asyncio.to_thread(sys.stdin.readline):
            if line.strip():
                yield line.strip()
        return
    session: PromptSession[str] = PromptSession(completer=_Completer(dispatcher), history=_history())
    while True:
        try:
            line = (await session.prompt_async("workbench> ")).strip()
        except KeyboardInterrupt:
            continue
        except EOFError:
            return
        if line in LEAVE:
            return
        if line:
            yield line


def _history() -> History:
    """Lines typed before, from this folder's desk; only in memory where the folder cannot be written."""
    file = Path(load_settings().home) / "shell_history"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
    except OSError:
        return InMemoryHistory()
    return FileHistory(str(file))


class _Completer(Completer):
    """Offers what the grammar would accept next."""

    def __init__(self, dispatcher: Dispatcher):
        self._dispatcher = dispatcher

    def get_completions(self, document, complete_event):
        word = document.get_word_before_cursor(WORD=True)
        for text, words in complete(document.text_before_cursor, self._dispatcher.known()):
            yield Completion(text, start_position=-len(word), display_meta=words)
