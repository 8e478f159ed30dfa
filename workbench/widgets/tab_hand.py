"""Tabs that hold another widget, made when somebody opens one: a page that nobody looks at costs nothing."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from workbench.domain.errors import WorkbenchError
from workbench.widgets import desk_wire as wire
from workbench.widgets.desk_wire import Json

log = structlog.get_logger(__name__)
Choice = Mapping[str, str]
KEPT = 6  # widgets made for one tab; the oldest is taken down then


@dataclass(frozen=True, slots=True)
class WidgetTab:
    """`choices`: what may be chosen on it now, by name, the first of each being the usual. `make` gives the widget of a
    choice, live; `end` takes one down."""

    name: str
    title: str
    choices: Callable[[], Mapping[str, Sequence[str]]]
    make: Callable[[Choice], Awaitable[Any]]
    end: Callable[[Any], Awaitable[None]]


class TabHand:
    """Hears {"kind": "open", "tab", "choice"} and answers {"kind": "opened", "tab", "model" or "trouble", "choices",
    "choice"}. The same choice is the same widget, whoever asks."""

    def __init__(self, tabs: Sequence[WidgetTab], send: Callable[[Json], None]):
        self._tabs, self._send = {tab.name: tab for tab in tabs}, send
        self._made: dict[tuple[str, tuple[tuple[str, str], ...]], Any] = {}
        self._tasks: set[asyncio.Task] = set()
        self._turn = asyncio.Lock()

    @property
    def tabs(self) -> list[Json]:
        return [{"id": tab.name, "title": tab.title} for tab in self._tabs.values()]

    def hear(self, content: Mapping[str, Any]) -> None:
        tab = self._tabs.get(str(content.get("tab")))
        if tab is None:
            return
        wanted = content.get("choice")
        task = asyncio.create_task(self._open(tab, wanted if isinstance(wanted, dict) else {}), name="page-tab")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for (name, _), widget in self._made.items():
            await self._tabs[name].end(widget)
        self._made.clear()

    async def _open(self, tab: WidgetTab, wanted: Mapping[str, Any]) -> None:
        told: Json = {"kind": "opened", "tab": tab.name}
        try:
            offered = {name: list(values) for name, values in tab.choices().items()}
            choice = {n: str(wanted[n]) if wanted.get(n) in vs else vs[0] for n, vs in offered.items() if vs}
            async with self._turn:
                widget = await self._widget(tab, choice)
            self._send({**told, "model": widget.model_id, "choices": offered, "choice": choice})
        except WorkbenchError as error:
            self._send({**told, "trouble": wire.clean(error)})
        except Exception as error:  # the tab's supervisor: the other tabs go on
            log.exception("tab_failed", tab=tab.name)
            self._send({**told, "trouble": wire.clean(f"{type(error).__name__}: {error}")})

    async def _widget(self, tab: WidgetTab, choice: dict[str, str]) -> Any:
        key = tab.name, tuple(sorted(choice.items()))
        if key not in self._made:
            mine = [known for known in self._made if known[0] == tab.name]
            if len(mine) >= KEPT:
                await tab.end(self._made.pop(mine[0]))
            self._made[key] = await tab.make(choice)
        return self._made[key]
