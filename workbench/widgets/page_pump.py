"""Pages behind the first one: each is asked for its figures only while somebody looks at it."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from workbench.owned_task import OwnedTask
from workbench.widgets import desk_wire as wire
from workbench.widgets.desk_wire import Json

log = structlog.get_logger(__name__)
LAPSE_S = 30.0  # three beats of a page: without them nobody looks


class Page(Protocol):
    """One page of the desk. `name` is its tab's id; `look` gives everything it shows, as JSON without NaN: the very
    object of last time where nothing has changed, which is then not sent again."""

    @property
    def name(self) -> str: ...

    async def look(self) -> Json: ...

    def choose(self, choice: Mapping[str, Any]) -> None:
        """The viewer chose something on it (a what-if, a symbol). `choice` comes from a browser: check it."""


@dataclass(frozen=True, slots=True)
class PageSettings:
    """every_s: an open page is asked this often. patience_s: one that takes longer has failed, and says so."""

    every_s: float = 2.0
    patience_s: float = 10.0
    lapse_s: float = LAPSE_S


class PagePump:
    """`hear` what a browser says; `send` gets {"kind": "page", "page", "view" or "same" or "trouble"} while a page is
    open."""

    def __init__(self, pages: Sequence[Page], send: Callable[[Json], None], settings: PageSettings | None = None):
        self._pages = {page.name: page for page in pages}
        self._send, self._settings = send, settings or PageSettings()
        self._open: dict[str, float] = {}
        self._told: dict[str, Json] = {}
        self._poked = asyncio.Event()
        self._task = OwnedTask(self._run, "page pump")

    @property
    def names(self) -> list[str]:
        return list(self._pages)

    def hear(self, content: Mapping[str, Any]) -> None:
        """'look' or 'beat' with a page's name keeps that page fed; 'choose' carries what was chosen on it."""
        page = self._pages.get(str(content.get("page")))
        if page is None:
            return
        fresh = page.name not in self._watched() or content.get("kind") != "beat"
        self._open[page.name] = asyncio.get_running_loop().time()
        if content.get("kind") == "choose" and isinstance(content.get("choice"), dict):
            page.choose(content["choice"])
        if fresh:
            self._told.pop(page.name, None)  # whoever has just come knows nothing yet
            self._poked.set()
        self._task.start()

    async def stop(self) -> None:
        await self._task.stop()

    def _watched(self) -> list[str]:
        now = asyncio.get_running_loop().time()
        return [name for name, at in self._open.items() if now - at < self._settings.lapse_s]

    async def _run(self) -> None:
        while watched := self._watched():
            self._poked.clear()
            for name in watched:
                self._send(await self._ask(self._pages[name]))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._settings.every_s):
                    await self._poked.wait()

    async def _ask(self, page: Page) -> Json:
        told: Json = {"kind": "page", "page": page.name}
        try:
            async with asyncio.timeout(self._settings.patience_s):
                view = await page.look()
            if self._told.get(page.name) is view:
                return {**told, "same": True}
            self._told[page.name] = view
            return {**told, "view": view}
        except TimeoutError:
            words = f"no answer for {self._settings.patience_s:.0f} s"
        except Exception as error:  # the page's supervisor: whatever failed is shown, and asked again
            log.warning("page_failed", page=page.name, error=f"{type(error).__name__}: {error}")
            words = str(error) or type(error).__name__
        return {**told, "trouble": wire.clean(words)}
