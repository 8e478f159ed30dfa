"""Decide which bars of one symbol are over, from messages that may drop, repeat or be late. Pure: no socket, no clock.

A row is what ccxt speaks: [opened_ms, open, high, low, close, volume]. Within a bar volume never falls, so of two
words on the same bar the one with more volume is the later one.
"""

import math
from dataclasses import dataclass, field
from typing import NamedTuple

Row = list[float]
MENDABLE = 64  # published bars that may still be put right


class Need(NamedTuple):
    """REST must be read from `since_ms` on (None: from the start). `urgent`: a bar is held back until then.
    `market_ms`: the venue's clock before the asking; what it says later must not judge an answer that is older."""

    since_ms: int | None
    urgent: bool
    cuts: int
    market_ms: int


@dataclass(slots=True)
class Told:
    """What a message or an answer settled: bars now over, in order; published bars put right; whether it was news."""

    closed: list[Row] = field(default_factory=list)
    amended: list[Row] = field(default_factory=list)
    news: bool = False


@dataclass(slots=True)
class _Pending:
    row: Row
    final: bool
    doubted: bool = False  # the connection broke since it was last heard: it may have moved unseen


class BarWatch:
    """One symbol's bars between the wire and the table.

    flags : whether the venue says "this bar is over". Where it does, only that word, or REST, makes a bar final; where
    it does not, a bar is over when a newer one appears, and is read again over REST as soon as there is time.

    A bar is told exactly once, in order, after every bar before it is told or known not to exist.
    """

    def __init__(self, step_ms: int, flags: bool) -> None:
        self.step_ms, self.flags = step_ms, flags
        self.settled_ms: int | None = None  # every bar that opens earlier is told, or does not exist
        self.known_ms = 0  # REST has told everything that opens before this moment
        self.market_ms = 0
        self.cuts = 0
        self._mended_cuts = 0
        self._unread_ms: int | None = None  # first bar told without the venue's word that it was final
        self._pending: dict[int, _Pending] = {}
        self._recent: dict[int, Row] = {}

    def heard(self, row: Row, final: bool = False, market_ms: int = 0) -> Told:
        """A word of the stream. `final`: the venue says the bar is over. `market_ms`: the venue's clock, or 0."""
        opened = int(row[0])
        self.market_ms = max(self.market_ms, market_ms, opened + (self.step_ms if final else 0))
        if self.settled_ms is not None and opened < self.settled_ms:
            return self._late(row, final)
        known = self._pending.get(opened)
        news = known is None or known.row != row or (final and not known.final)
        if known is None or (final and not known.final) or (final == known.final and row[5] >= known.row[5]):
            self._pending[opened] = _Pending(list(row), final)
        return self._advance(Told(news=news))

    @property
    def known_to_ms(self) -> float:
        """Every bar that opens before this moment is told, or does not exist."""
        if self.settled_ms is None:
            return -math.inf
        return self.settled_ms if self._pending else max(self.settled_ms, self.known_ms)

    @property
    def torn(self) -> bool:
        """Whether the connection broke and what it missed was not read yet."""
        return self.cuts > self._mended_cuts

    def moved(self, market_ms: int) -> None:
        """The venue's clock, as another symbol's message told it."""
        self.market_ms = max(self.market_ms, market_ms)

    def cut(self) -> None:
        """The connection broke: what was missed must be read again."""
        self.cuts += 1
        for bar in self._pending.values():
            bar.doubted = not bar.final

    def need(self) -> Need | None:
        """What REST must be asked now, if anything."""
        if self.settled_ms is None:
            return Need(None, True, self.cuts, self.market_ms)
        recheck = self.settled_ms if self._unread_ms is None else self._unread_ms
        if self.torn:
            return Need(min(recheck, self.settled_ms - 2 * self.step_ms), True, self.cuts, self.market_ms)
        if self._pending:
            first = min(self._pending)
            if first > self.settled_ms or (self._doubts(first) and self._is_over(first)):
                return Need(recheck, True, self.cuts, self.market_ms)
            if self._is_over(first):
                return Need(recheck, False, self.cuts, self.market_ms)  # the venue's own word may be on its way
        elif self.market_ms >= max(self.settled_ms, self.known_ms) + 2 * self.step_ms:
            return Need(
                recheck, False, self.cuts, self.market_ms
            )  # other symbols have moved on and this one has been silent
        return None if self._unread_ms is None else Need(self._unread_ms, False, self.cuts, self.market_ms)

    def read(self, need: Need, rows: list[Row], now_ms: int | None) -> Told:
        """The answer to `need`: every row from its start on, rising; the last may still be forming. `now_ms`: the
        venue's clock before it was asked, if known."""
        told, now = Told(), max(now_ms or 0, need.market_ms)
        self._mended_cuts = max(self._mended_cuts, need.cuts)
        if not rows:  # says little: some venues lag behind their own stream
            if self.settled_ms is None and now:
                self.settled_ms, self.known_ms = now - self.step_ms, now
            return told
        if self.settled_ms is None:
            self.settled_ms = int(rows[0][0])
            self._pending = {at: bar for at, bar in self._pending.items() if at >= self.settled_ms}
        over = [row for row in rows if row[0] < rows[-1][0] or row[0] + self.step_ms <= now]
        for row in over:
            self._read_over(row, told)
        if len(over) < len(rows):
            self._read_forming(rows[-1], told)
        self._settle_up_to(int(rows[-1][0]) + (self.step_ms if len(over) == len(rows) else 0), now)
        return self._advance(told)

    def _read_over(self, row: Row, told: Told) -> None:
        opened = int(row[0])
        if opened < (self.settled_ms or 0):
            self._amend(row, told)
            return
        known = self._pending.get(opened)
        told.news |= known is None or known.row != row
        self._pending[opened] = _Pending(list(row), True)

    def _read_forming(self, row: Row, told: Told) -> None:
        known = self._pending.get(int(row[0]))
        if row[0] >= (self.settled_ms or 0) and (known is None or (row[5] > known.row[5] and not known.final)):
            told.news = True
            self._pending[int(row[0])] = _Pending(list(row), False, doubted=True)

    def _settle_up_to(self, horizon_ms: int, now_ms: int) -> None:
        """REST has told all that opens before `horizon_ms`: what it left out does not exist."""
        self._pending = {at: bar for at, bar in self._pending.items() if at >= horizon_ms or bar.final}
        if self._unread_ms is not None and horizon_ms > self._unread_ms:
            self._unread_ms = None if horizon_ms >= (self.settled_ms or 0) else horizon_ms
        if max(self._pending, default=0) < horizon_ms:
            # the symbol is silent here and there: up to a bar ago (the answer may lag) there is nothing
            horizon_ms = max(horizon_ms, now_ms - now_ms % self.step_ms - self.step_ms)
        self.known_ms = max(self.known_ms, horizon_ms)

    def _advance(self, told: Told) -> Told:
        while self._pending and self.settled_ms is not None:
            opened = min(self._pending)
            bar = self._pending[opened]
            if opened > max(self.settled_ms, self.known_ms) or not (bar.final or self._taken_as_over(opened, bar)):
                break
            del self._pending[opened]
            told.closed.append(bar.row)
            told.news = True
            self._remember(bar.row)
            if not bar.final and self._unread_ms is None:
                self._unread_ms = opened
            self.settled_ms = opened + self.step_ms
        return told

    def _taken_as_over(self, opened: int, bar: _Pending) -> bool:
        return not self.flags and not bar.doubted and max(self._pending) > opened

    def _doubts(self, opened: int) -> bool:
        return not self.flags and self._pending[opened].doubted

    def _is_over(self, opened: int) -> bool:
        return max(self._pending) > opened or self.market_ms >= opened + self.step_ms

    def _late(self, row: Row, final: bool) -> Told:
        told, known = Told(), self._recent.get(int(row[0]))
        if known is not None and (final if self.flags else row[5] >= known[5]):
            self._amend(row, told)
        return told

    def _amend(self, row: Row, told: Told) -> None:
        if self._recent.get(int(row[0]), row) != row:
            self._recent[int(row[0])] = list(row)
            told.amended.append(list(row))
            told.news = True

    def _remember(self, row: Row) -> None:
        self._recent[int(row[0])] = row
        while len(self._recent) > MENDABLE:
            del self._recent[next(iter(self._recent))]
