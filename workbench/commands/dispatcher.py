"""From a typed line to a reply: the one door through which every surface asks."""

import asyncio
import contextlib
from dataclasses import replace
from datetime import UTC, datetime
from time import monotonic

from workbench.commands.asked import Asked, Viewer
from workbench.commands.catalogue import CATALOGUE
from workbench.commands.confirming import ask_back, spend
from workbench.commands.grammar import parse
from workbench.commands.handlers import HANDLERS, PREVIEWS, TAKES_CODE
from workbench.commands.permitted import denied
from workbench.commands.reply import Reply, failure
from workbench.commands.spec import CODE, Known, Line
from workbench.domain.errors import CommandError, WorkbenchError
from workbench.domain.ports import Ledger, Progress
from workbench.orchestration.command_center import UnifiedCommandCenter
from workbench.orchestration.plain_text import plain

MAX_AGE_S = 1.0
DISCOVER_S = 5.0


class Dispatcher:
    """Understands a line, asks whether its author may, and has it answered."""

    def __init__(self, center: UnifiedCommandCenter, ledger: Ledger, viewer: Viewer | None = None):
        self.center, self.ledger, self.viewer = center, ledger, viewer or Viewer()
        self._discovered_at = -1e9

    async def ask(self, line: str, progress: Progress | None = None, request_id: str = "") -> Reply:
        """Answer `line`. A line that cannot be understood, a refusal, a bot's failure: each is a reply that says so.

        `request_id` is the id of an effect whose line gives none: asked again after a crash, it acts once.
        Cancelling cancels the question; an effect already recorded goes on, but for a tuning, which ends.
        """
        try:
            understood = _named(self._urgent(line) or await self.read(line), request_id)
            asked = Asked(self.center, self.ledger, self.viewer, datetime.now(UTC), progress)
            return await self._answered(asked, understood)
        except CommandError as error:
            return failure(plain(line, 80), str(error), misread=True)
        except WorkbenchError as error:
            return failure(plain(line, 80), str(error))

    async def _answered(self, asked: Asked, line: Line) -> Reply:
        """What asks back reaches its handler with a code that counted, and in no other way."""
        handler = line.spec.handler
        if line.spec.asks_back:
            if not line.values.get(CODE.name):
                return await ask_back(asked, line, PREVIEWS[handler])
            if handler not in TAKES_CODE:
                line = await spend(asked, line, PREVIEWS[handler])
        return await HANDLERS[handler](asked, line)

    def _urgent(self, line: str) -> Line | None:
        """A halt whose names are known is not held up by looking at bots and venue first."""
        if not (self.center.registry.members and line.lstrip().casefold().startswith("/halt")):
            return None
        with contextlib.suppress(CommandError):  # a name not known yet: look around, then read it again
            return self._permitted(self.parse(line))
        return None

    async def read(self, line: str) -> Line:
        """Understand `line`, with the names that can be meant now, and see that its author may give it. Raises
        CommandError."""
        await self._look_around()
        return self._permitted(self.parse(line))

    def parse(self, line: str) -> Line:
        """Understand `line` without doing it. Raises CommandError."""
        return parse(line, CATALOGUE, self.known())

    def known(self) -> Known:
        """The names that can be meant now."""
        registry = self.center.registry
        symbols = set(registry.market.symbols if registry.market else ())
        symbols |= {symbol for member in registry.members.values() for symbol in member.symbols}
        return Known(
            bots=tuple(sorted(registry.members)),
            tags=tuple(registry.tags),
            symbols=tuple(sorted(symbols)),
            now=datetime.now(UTC),
            zone=self.viewer.zone,
        )

    def _permitted(self, line: Line) -> Line:
        """The one gate in front of every command. Raises CommandError."""
        if words := denied(self.viewer.role, line.spec, line.spec.name):
            raise CommandError(words)
        return line

    async def _look_around(self) -> None:
        """Names come from the bots and the venue, so look before the line is read."""
        if monotonic() - self._discovered_at > DISCOVER_S:
            self._discovered_at = monotonic()
            await self.center.registry.discover()
        await asyncio.shield(self.center.look(MAX_AGE_S))


def _named(line: Line, request_id: str) -> Line:
    if not request_id or not line.spec.effect or "id" not in line.spec.options or "id" in line.values:
        return line
    return replace(line, values={**line.values, "id": request_id})
