"""What is drawn on a page reaches Python and the ledger; what others draw reaches the page."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import structlog

from workbench.domain.drawings import Board, Drawing, from_json, to_json
from workbench.domain.errors import WorkbenchError

log = structlog.get_logger(__name__)
Json = dict[str, Any]
_MOST = 50  # drawings in one act


class Shelf(Protocol):
    """Where drawings are kept (`workbench.ledger.drawings.DrawingTable` is one). Blocking; may raise LedgerError."""

    def on(self, symbol: str, timeframe: Any = None, author: str | None = None) -> list[Drawing]: ...
    def change(self, board: Board, put: Sequence[Drawing] = (), drop: Sequence[str] = ()) -> Any: ...
    def undo(self, board: Board) -> Any: ...
    def redo(self, board: Board) -> Any: ...


class DrawingHand:
    """One chart's. Acts are done in order; each is answered with all drawings of the chart, of every author.

    `drawings` is what stands there as far as is known; `changed` hears of a new one. `refuses`: why whoever looks may
    not draw, '' where that is allowed.
    """

    def __init__(
        self,
        shelf: Shelf,
        board: Board,
        tell: Callable[[Json], None],
        changed: Callable[[tuple[Drawing, ...]], None],
        refuses: str = "",
    ):
        self.board, self.drawings = board, ()  # type: tuple[Board, tuple[Drawing, ...]]
        self._shelf, self._tell, self._changed, self._refuses = shelf, tell, changed, refuses
        self._acts: asyncio.Queue[Json] = asyncio.Queue(1000)
        self._task: asyncio.Task | None = None

    def hear(self, content: Mapping[str, Any]) -> None:
        """'draw' with put and drop, 'undo', 'redo', as a browser sent them: checked here."""
        if self._refuses:
            self._refuse(content, self._refuses)
            return
        if self._acts.full():
            self._refuse(content, "too many changes at once; wait a moment")
            return
        self._acts.put_nowait(dict(content))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name=f"drawings on {self.board}")

    async def refresh(self) -> None:
        """Read the drawings anew and show them."""
        await self._show({})

    async def stop(self) -> None:
        """What was drawn is finished first."""
        if self._task is not None and not self._task.done():
            await asyncio.wait([self._task], timeout=5)
            self._task.cancel()
        self._task = None

    async def _run(self) -> None:
        while not self._acts.empty():
            act = self._acts.get_nowait()
            try:
                await asyncio.to_thread(self._do, act)
            except WorkbenchError as error:
                self._refuse(act, str(error))
            except Exception as error:  # whatever failed is said on the page, and the next act is tried
                log.warning("drawing_failed", board=str(self.board), error=f"{type(error).__name__}: {error}")
                self._refuse(act, "the drawing could not be kept; see the log")
            await self._show(act)

    def _do(self, act: Json) -> None:
        if act.get("kind") in ("undo", "redo"):
            (self._shelf.undo if act["kind"] == "undo" else self._shelf.redo)(self.board)
            return
        put, drop = list(act.get("put") or ())[:_MOST], [str(name) for name in act.get("drop") or ()][:_MOST]
        self._shelf.change(self.board, [self._ours(one) for one in put], drop)

    def _ours(self, data: Mapping[str, Any]) -> Drawing:
        """A page says what was drawn; who drew it, and on which chart, it cannot choose."""
        whose = {"user": self.board.user, "symbol": self.board.symbol, "timeframe": str(self.board.timeframe)}
        return from_json({**data, **whose})

    async def _show(self, act: Json) -> None:
        try:
            found = await asyncio.to_thread(self._shelf.on, self.board.symbol, self.board.timeframe)
        except WorkbenchError as error:
            self._refuse(act, str(error))
            return
        if tuple(found) != self.drawings:
            self.drawings = tuple(found)
            self._changed(self.drawings)
        page, turn = act.get("page", ""), act.get("turn", 0)
        self._tell({"kind": "drawings", "page": page, "turn": turn, "items": [to_json(one) for one in found]})

    def _refuse(self, act: Mapping[str, Any], words: str) -> None:
        self._tell({"kind": "refused", "page": act.get("page", ""), "turn": act.get("turn", 0), "words": words[:300]})
