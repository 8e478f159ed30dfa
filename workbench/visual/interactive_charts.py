"""Drawing on one market's chart, tracking setups on it, and asking what its prices have meant: from code, by any hand.

Drawings live in the ledger, so that every open notebook, page and picture shows the same ones.
"""

import secrets
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from workbench.domain.drawings import Anchor, Board, Drawing, Level, Note, Shape, Style, TrendLine, Zone
from workbench.domain.errors import ValueRefused
from workbench.domain.market import Timeframe
from workbench.domain.setups import Examples, TrackedSetup
from workbench.ledger.accepted_patterns import labels_of
from workbench.ledger.drawings import Step
from workbench.ledger.log import SqlLedger
from workbench.ledger.setup_log import SetupLog
from workbench.quant.pattern_alarms import free_bars, guarded
from workbench.quant.pattern_match import examples_of
from workbench.quant.setup_replay import facts_of, replayed
from workbench.quant.setups import StageChange
from workbench.quant.swings import PriceLevel, price_levels
from workbench.quant.zones import Unreachable, ZoneStudy, study
from workbench.visual.advanced_renderer import AdvancedRenderer
from workbench.visual.chart_spec import ChartSpec, Panel
from workbench.visual.nearness import nearest
from workbench.visual.snapping import snapped

MOST_LEVELS = 6
FOUND, KEPT = "sr", "kept-"  # how the ids of found levels begin, and of those that are kept


class InteractiveCharts:
    """One author's hand on one market. candles : its closed bars; set the attribute anew as bars close.

    `drawings` is what this author has drawn here, as this object knows it: it follows its own acts, and the others'
    after `refresh`. Every act is one step that `undo` takes back. Blocking; raises LedgerError and ValueRefused.
    """

    def __init__(self, ledger: SqlLedger, symbol: str, timeframe: str, candles: pd.DataFrame, user: str = "you"):
        self.board = Board(user, symbol, Timeframe.parse(timeframe))
        self.candles = candles
        self._ledger, self._table, self._setups = ledger, ledger.drawings, SetupLog(ledger)
        self.drawings: tuple[Drawing, ...] = ()
        self.refresh()

    def refresh(self) -> tuple[Drawing, ...]:
        """Read what stands on this board now."""
        self.drawings = tuple(self._table.board(self.board))
        return self.drawings

    def draw(
        self, shape: Shape, text: str = "", style: Style | None = None, snap: bool = True, drawing_id: str = ""
    ) -> Drawing:
        """Draw `shape`. snap : its points go to the nearest bar, and to its open, high, low or close where near."""
        drawing = Drawing(drawing_id or _new_id(), self.board, shape, text, style or Style())
        if snap:
            drawing = replace(drawing, shape=_snapped(drawing.shape, lambda anchor: snapped(self.candles, anchor)))
        self._follow(self._table.change(self.board, [drawing]))
        return drawing

    def select(self, at: datetime, price: float, reach: float = 0.5) -> Drawing | None:
        """This author's drawing nearest to a point, within `reach` typical ranges of a bar; None where none is."""
        return nearest(self.drawings, self.candles, Anchor(at, price), reach)

    def move(
        self,
        drawing_id: str,
        later: timedelta = timedelta(0),
        higher: float = 0.0,
        handle: int | None = None,
        to: Anchor | None = None,
    ) -> Drawing:
        """Shift a drawing in time and price, or take one of its handles elsewhere (handle, to)."""
        held = self._held(drawing_id)
        if (handle is None) != (to is None):
            raise ValueRefused("to take a handle elsewhere, name the handle and where to; else neither")
        moved = held.moved(later, higher) if handle is None or to is None else held.reshaped(handle, to)
        self._follow(self._table.change(self.board, [moved]))
        return moved

    def delete(self, *drawing_ids: str) -> None:
        """Take drawings away, in one step."""
        self._follow(self._table.change(self.board, drop=drawing_ids))

    def undo(self) -> Step | None:
        """Take back the last step on this board, whoever of this author's windows made it; None where there is none."""
        return self._follow(self._table.undo(self.board))

    def redo(self) -> Step | None:
        """Do again what was undone last."""
        return self._follow(self._table.redo(self.board))

    def levels(self, most: int = MOST_LEVELS, draw: bool = False) -> list[tuple[str, PriceLevel]]:
        """Support and resistance where swings cluster, strongest first, each with the id that its drawing has; without
        those that are kept already.

        draw : put all of them on the board as zones, in one step, in place of those found before. What is wanted is
        kept by its id, what is not is deleted.
        """
        arrays = (self.candles[name].to_numpy() for name in ("high", "low", "close", "volume"))
        kept = [d.shape for d in self.refresh() if d.drawing_id.startswith(KEPT) and isinstance(d.shape, Zone)]
        new = [level for level in price_levels(*arrays) if not any(_meet(level, zone) for zone in kept)]
        found = [(f"{FOUND}{number + 1}", level) for number, level in enumerate(new[:most])]
        if draw and found:
            drawn = [self._level_drawing(drawing_id, level) for drawing_id, level in found]
            gone = [d.drawing_id for d in self.found if d.drawing_id not in dict(found)]
            self._follow(self._table.change(self.board, drawn, gone))
        return found

    @property
    def found(self) -> list[Drawing]:
        """The levels of the last search that are neither kept nor dropped."""
        return [drawing for drawing in self.drawings if drawing.drawing_id.startswith(FOUND)]

    def keep(self, *drawing_ids: str) -> list[Drawing]:
        """Make found levels one's own, in one step: the next search leaves them where they are."""
        held = [self._held(drawing_id) for drawing_id in drawing_ids]
        if strange := [one.drawing_id for one in held if one not in self.found]:
            raise ValueRefused(f"{', '.join(strange)} is kept already; only a level that was found is left to keep")
        mine = [replace(one, drawing_id=f"{KEPT}{_new_id()}") for one in held]
        self._follow(self._table.change(self.board, mine, drawing_ids))
        return mine

    def track(
        self, kind: str, side: int = 1, line_id: str = "", setup_id: str = "", pattern: str = ""
    ) -> tuple[TrackedSetup, list[StageChange]]:
        """Watch for a setup from the newest closed bar on; asked again under its id: what has become of it since.

        kind : breakout, retest, range, line (with line_id, a trend line of this board), or pattern (its name: one that
        this author has labelled; this market's unlabelled bars say how often it is wrong, and raise the likeness it
        asks for where that is too often). Each change of stage found is told as an event, once, whoever finds it first.
        """
        known = {record.setup.setup_id: record.setup for record in self._setups.records(self.board.user)}
        setup = known.get(setup_id)
        if setup is None:
            if not len(self.candles):
                raise ValueRefused(f"{self.board} has no closed bar yet; a setup is armed at one")
            closed = (self.candles.index[-1] + self.board.timeframe.step).to_pydatetime()
            line = self._line(line_id) if line_id else None
            examples = self._examples(pattern) if kind == "pattern" else None
            setup = TrackedSetup(setup_id or _new_id(), self.board, kind, closed, side, line, examples)
            self._setups.arm(setup)
        changes = replayed(setup, self.candles)
        for change in changes:
            self._setups.change(setup, *facts_of(change))
        return setup, changes

    def analyze(self, low: float, high: float, horizon: int = 24) -> ZoneStudy | Unreachable:
        """What a zone has meant: see `workbench.quant.zones`."""
        highs, lows, closes, volume = (self.candles[name].to_numpy() for name in ("high", "low", "close", "volume"))
        return study(highs, lows, closes, volume, low, high, horizon)

    def renderer(
        self, bars: int | None = 300, theme: str = "dark", extra: tuple[Drawing, ...] = (), **panel: Any
    ) -> AdvancedRenderer:
        """The chart with everybody's drawings of this market and timeframe, and `extra` ones that are not kept; `panel`
        as in `Panel`."""
        board = self.board
        drawn = (*self._table.on(board.symbol, board.timeframe), *extra)
        shown = Panel(board.symbol, board.timeframe, self.candles, drawings=drawn, **panel)
        return AdvancedRenderer(ChartSpec((shown,), bars=bars, theme=theme))

    def _level_drawing(self, drawing_id: str, level: PriceLevel) -> Drawing:
        side = level.side(float(self.candles["close"].iloc[-1]))
        held = f", held {level.held} of {level.tested}" if level.tested else ", not tested since"
        if level.interval:
            held += f" (90 %: {100 * level.interval[0]:.0f} – {100 * level.interval[1]:.0f} %)"
        text = f"{side}: {level.touches} touches{held}"
        ink = "up" if side == "support" else "down"
        return Drawing(drawing_id, self.board, Zone(level.low, level.high), text, Style(ink))

    def _examples(self, pattern: str) -> Examples:
        """The labels of a pattern as examples, as like as this market's unlabelled bars ask for."""
        labels, board = labels_of(self._ledger, self.board.user), self.board
        found = examples_of(pattern, labels)
        here = [one for one in labels if (one.symbol, one.timeframe) == (board.symbol, board.timeframe)]
        spans = [(int(1000 * one.first_at.timestamp()), int(1000 * one.last_at.timestamp())) for one in here]
        free = free_bars(self.candles.index.as_unit("ms").asi8, spans, max(found.lengths))
        return guarded(found, self.candles["close"].to_numpy(), free)

    def _line(self, line_id: str) -> TrendLine:
        shape = self._held(line_id).shape
        if not isinstance(shape, TrendLine):
            raise ValueRefused(f"drawing {line_id!r} is no trend line; a line break needs one")
        return shape

    def _held(self, drawing_id: str) -> Drawing:
        found = {drawing.drawing_id: drawing for drawing in self.drawings}
        if drawing_id not in found:
            found = {drawing.drawing_id: drawing for drawing in self.refresh()}
        if drawing_id not in found:
            raise ValueRefused(f"{self.board} has no drawing {drawing_id!r}; it has {', '.join(found) or 'none'}")
        return found[drawing_id]

    def _follow(self, step: Step | None) -> Step | None:
        self.drawings = tuple(applied(self.drawings, step)) if step else self.drawings
        return step


def applied(drawings: Iterable[Drawing], step: Step) -> list[Drawing]:
    """`drawings` of a board after `step`; new ones come last."""
    after = {drawing.drawing_id: drawing for drawing in drawings}
    for change in step.changes:
        if change.after is not None:
            after[change.after.drawing_id] = change.after
        elif change.before is not None:
            after.pop(change.before.drawing_id, None)
    return list(after.values())


def _snapped(shape: Shape, snap: Callable[[Anchor], Anchor]) -> Shape:
    match shape:
        case Level(price):
            return Level(snap(Anchor(None, price)).price)
        case TrendLine(start, end):
            first, last = snap(start), snap(end)
            return replace(shape, start=first, end=last) if first.at != last.at else shape
        case Note(where):
            return Note(snap(where))
        case Zone(low, high, since, until):
            return _snapped_zone(shape, snap(Anchor(since, low)), snap(Anchor(until, high)))


def _snapped_zone(zone: Zone, foot: Anchor, head: Anchor) -> Zone:
    if foot.price == head.price or (foot.at is not None and foot.at == head.at):
        return zone
    return Zone(foot.price, head.price, foot.at, head.at)


def _meet(level: PriceLevel, zone: Zone) -> bool:
    return level.low <= zone.high and zone.low <= level.high


def _new_id() -> str:
    return secrets.token_hex(4)
