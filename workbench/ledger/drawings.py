"""Drawings of users and bots: what stands on each board now, and the steps by which it came about, for undo.

Every step is one event (`CHANGED`) in the same transaction, so a tail of that kind keeps every notebook, page and
picture at the same drawings.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Table, delete, func, select, update
from sqlalchemy.engine import Connection

from workbench.domain.drawings import Board, Drawing, from_json, to_json
from workbench.domain.errors import LedgerError
from workbench.domain.events import Event
from workbench.domain.market import Timeframe
from workbench.ledger import payload, schema
from workbench.ledger.events import note
from workbench.ledger.store import Store, upsert

CHANGED = "DrawingsChanged"
MOST_ON_A_BOARD = 1000
_drawings, _steps = schema.drawings, schema.drawing_steps
_DONE, _UNDONE, _GONE = "done", "undone", "gone"


@dataclass(frozen=True, slots=True)
class Change:
    """One drawing before and after a step; None: it did not stand there."""

    before: Drawing | None
    after: Drawing | None


@dataclass(frozen=True, slots=True)
class Step:
    """What one act changed on one board. verb: drew, changed, dropped, undid, redid."""

    number: int
    board: Board
    verb: str
    changes: tuple[Change, ...]
    at: datetime

    @property
    def words(self) -> str:
        touched = [drawing for change in self.changes if (drawing := change.after or change.before)]
        what = f"a {touched[0].kind}" if len(touched) == 1 else f"{len(touched)} drawings"
        return f"{self.board.user} {self.verb} {what} on {self.board.symbol} {self.board.timeframe}"


class DrawingTable:
    """Drawings by board. Each step is all or nothing and waits for the disk."""

    def __init__(self, store: Store):
        self._store = store

    def on(self, symbol: str, timeframe: str | Timeframe | None = None, author: str | None = None) -> list[Drawing]:
        """What stands on a symbol's boards, by author, oldest first; of one timeframe or author where named."""
        query = select(_drawings).where(_drawings.c.symbol == symbol)
        if timeframe is not None:
            query = query.where(_drawings.c.timeframe == str(timeframe))
        if author is not None:
            query = query.where(_drawings.c.author == author)
        order = (_drawings.c.author, _drawings.c.timeframe, _drawings.c.rank)
        with self._store.read() as connection:
            return [from_json(row.drawing) for row in connection.execute(query.order_by(*order))]

    def board(self, board: Board) -> list[Drawing]:
        """What stands on one board, oldest first."""
        return self.on(board.symbol, board.timeframe, board.user)

    def change(self, board: Board, put: Sequence[Drawing] = (), drop: Sequence[str] = ()) -> Step:
        """One step: place or replace the drawings `put`, by id, and take away those whose ids are in `drop`.

        Raises LedgerError for an id that is not there, a drawing of another board, or a board that is full.
        """
        self._refuse(board, put, drop)
        with self._store.write() as connection:
            found = {row.drawing_id: row for row in connection.execute(select(_drawings).where(_at(_drawings, board)))}
            lost = [drawing_id for drawing_id in drop if drawing_id not in found]
            if lost:
                raise LedgerError(f"{board} has no drawing {lost[0]!r}; it has {', '.join(found) or 'none'}")
            left = found.keys() - set(drop) | {drawing.drawing_id for drawing in put}
            if len(left) > MOST_ON_A_BOARD:
                raise LedgerError(f"{board} would hold {len(left)} drawings, more than {MOST_ON_A_BOARD}; drop some")
            number = connection.execute(select(func.coalesce(func.max(_steps.c.number), 0))).scalar_one() + 1
            changes = [_placed(found.get(d.drawing_id), d, 10_000 * number + i) for i, d in enumerate(put)]
            changes += [_dropped(found[drawing_id]) for drawing_id in drop]
            _apply(connection, board, changes)
            undone = _at(_steps, board) & (_steps.c.state == _UNDONE)
            connection.execute(update(_steps).where(undone).values(state=_GONE))
            now = self._store.now(connection)
            row = {"number": number, **_key(board), "changes": changes, "state": _DONE, "at": now}
            connection.execute(_steps.insert(), [row])
            return self._told(connection, _step(number, board, changes, now))

    def undo(self, board: Board) -> Step | None:
        """Take back the newest step of a board that stands; None where there is none."""
        return self._turn(board, _DONE, _UNDONE)

    def redo(self, board: Board) -> Step | None:
        """Do again the step that was undone last; None where there is none, or something was drawn since."""
        return self._turn(board, _UNDONE, _DONE)

    def _turn(self, board: Board, before: str, after: str) -> Step | None:
        with self._store.write() as connection:
            newest = _steps.c.number.desc() if before == _DONE else _steps.c.number
            query = select(_steps).where(_at(_steps, board) & (_steps.c.state == before)).order_by(newest).limit(1)
            row = connection.execute(query).one_or_none()
            if row is None:
                return None
            changes = row.changes if after == _DONE else [_reversed(change) for change in row.changes[::-1]]
            _apply(connection, board, changes)
            connection.execute(update(_steps).where(_steps.c.number == row.number).values(state=after))
            verb = "redid" if after == _DONE else "undid"
            return self._told(connection, _step(row.number, board, changes, self._store.now(connection), verb))

    def _told(self, connection: Connection, step: Step) -> Step:
        """Record the step as an event; the head of the log, known inside the writer's turn, makes its id unique."""
        turn = connection.execute(select(func.coalesce(func.max(schema.events.c.seq), 0))).scalar_one() + 1
        changes = [
            {"before": c.before and to_json(c.before), "after": c.after and to_json(c.after)} for c in step.changes
        ]
        board = step.board
        whose = {"user": board.user, "symbol": board.symbol, "timeframe": str(board.timeframe)}
        facts = {**whose, "step": step.number, "verb": step.verb, "changes": changes, "words": step.words}
        note(connection, CHANGED, board.user, f"{CHANGED}:{step.number}:{turn}", step.at, **facts)
        return step

    def _refuse(self, board: Board, put: Sequence[Drawing], drop: Sequence[str]) -> None:
        ids = [*(drawing.drawing_id for drawing in put), *drop]
        if not ids:
            raise LedgerError(f"nothing to change on {board}; name drawings to put or ids to drop")
        if len(ids) != len(set(ids)):
            raise LedgerError(f"a step changes each drawing once, but {max(ids, key=ids.count)!r} comes twice")
        alien = next((drawing for drawing in put if drawing.board != board), None)
        if alien:
            raise LedgerError(f"drawing {alien.drawing_id!r} belongs to {alien.board}, not to {board}")
        for name in (board.user, board.symbol):
            payload.name(name, "a board's name")


def told_by(event: Event) -> Step:
    """The step that an event of kind `CHANGED` tells of."""
    said = event.payload
    board = Board(said["user"], said["symbol"], Timeframe.parse(said["timeframe"]))
    return _step(said["step"], board, said["changes"], event.at, said["verb"])


def _step(number: int, board: Board, rows: Sequence[Mapping[str, Any]], at: datetime, verb: str = "") -> Step:
    def read(side: Mapping[str, Any] | None) -> Drawing | None:
        return None if side is None else from_json(side)

    changes = tuple(Change(read(row["before"]), read(row["after"])) for row in rows)
    if not verb:
        drew, dropped = all(c.before is None for c in changes), all(c.after is None for c in changes)
        verb = "drew" if drew else "dropped" if dropped else "changed"
    return Step(number, board, verb, changes, at)


def _placed(found: Row | None, drawing: Drawing, rank: int) -> dict[str, Any]:
    after = payload.document(to_json(drawing), f"drawing {drawing.drawing_id!r}")
    before = None if found is None else found.drawing
    return {"id": drawing.drawing_id, "rank": rank if found is None else found.rank, "before": before, "after": after}


def _dropped(found: Row) -> dict[str, Any]:
    return {"id": found.drawing_id, "rank": found.rank, "before": found.drawing, "after": None}


def _reversed(change: Mapping[str, Any]) -> dict[str, Any]:
    return {**change, "before": change["after"], "after": change["before"]}


def _apply(connection: Connection, board: Board, changes: Sequence[Mapping[str, Any]]) -> None:
    gone = [change["id"] for change in changes if change["after"] is None]
    if gone:
        connection.execute(delete(_drawings).where(_at(_drawings, board) & _drawings.c.drawing_id.in_(gone)))
    rows = [
        {**_key(board), "drawing_id": change["id"], "rank": change["rank"], "drawing": change["after"]}
        for change in changes
        if change["after"] is not None
    ]
    upsert(connection, _drawings, rows)


def _key(board: Board) -> dict[str, str]:
    return {"author": board.user, "symbol": board.symbol, "timeframe": str(board.timeframe)}


def _at(table: Table, board: Board) -> ColumnElement[bool]:
    key = _key(board)
    return (
        (table.c.author == key["author"]) & (table.c.symbol == key["symbol"]) & (table.c.timeframe == key["timeframe"])
    )
