"""Decide which bars of one symbol are over, from messages that drop, repeat or come late. Pure: no socket or clock."""

import math
from dataclasses import dataclass, field
from typing import NamedTuple

from workbench.market.pending_bars import PendingBars, Row

MENDABLE = 64  # told bars that may still be put right


class Need(NamedTuple):
    """REST must be read from `since_ms` on (None: from the start). `urgent`: a bar is held back until then.
    `market_ms`: the venue's clock before the asking; what it says later must not judge an answer that is older."""

    since_ms: int | None
    urgent: bool
    cuts: int
    market_ms: int


@dataclass(slots=True)
class Told:
    """What a message or an answer settled: bars now over, in order; told bars put right; whether it was news."""

    closed: list[Row] = field(default_factory=list)
    amended: list[Row] = field(default_factory=list)
    news: bool = False


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
        self.cuts = self._mended_cuts = 0
        self._unread_ms: int | None = None  # first bar told without the venue's word that it was final
        self._pending = PendingBars()
        self._told: dict[int, Row] = {}

    @property
    def known_to_ms(self) -> float:
        """Every bar that opens before this moment is told, or does not exist."""
        if self.settled_ms is None:
            return -math.inf
        return self.settled_ms if self._pending else max(self.settled_ms, self.known_ms)

    @property
    def forming(self) -> Row | None:
        """The newest bar heard of that is not told yet: it still moves, or waits for a bar before it."""
        return list(self._pending[self._pending.last].row) if self._pending else None

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
        self._pending.cut()

    def heard(self, row: Row, final: bool = False, market_ms: int = 0) -> Told:
        """A word of the stream. `final`: the venue says the bar is over. `market_ms`: the venue's clock, or 0."""
        opened = int(row[0])
        self.moved(max(market_ms, opened + (self.step_ms if final else 0)))
        if self.settled_ms is None or opened >= self.settled_ms:
            return self._advance(Told(news=self._pending.heard(row, final)))
        told, known = Told(), self._told.get(opened)
        if known is not None and (final if self.flags else row[5] >= known[5]):
            self._amend(row, told)
        return told

    def need(self) -> Need | None:
        """What REST must be asked now, if anything."""
        if self.settled_ms is None:
            return Need(None, True, self.cuts, self.market_ms)
        recheck = self.settled_ms if self._unread_ms is None else self._unread_ms
        if self.torn:
            return Need(min(recheck, self.settled_ms - 2 * self.step_ms), True, self.cuts, self.market_ms)
        if self._pending:
            first = self._pending.first
            over = self._pending.last > first or self.market_ms >= first + self.step_ms
            held_back = first > self.settled_ms or (over and not self.flags and self._pending[first].doubted)
            if held_back or over:  # over: the venue's own word may be on its way, so this is not urgent
                return Need(recheck, held_back, self.cuts, self.market_ms)
        elif self.market_ms >= max(self.settled_ms, self.known_ms) + 2 * self.step_ms:
            return Need(recheck, False, self.cuts, self.market_ms)  # others have moved on, this one has been silent
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
            self._pending.forget(self.settled_ms, final_too=True)
        forms = rows[-1][0] + self.step_ms > now
        for row in rows[:-1] if forms else rows:
            if row[0] < self.settled_ms:
                self._amend(row, told)
            else:
                told.news |= self._pending.read_over(row)
        if forms and rows[-1][0] >= self.settled_ms:
            told.news |= self._pending.read_forming(rows[-1])
        self._settle_up_to(int(rows[-1][0]) + (0 if forms else self.step_ms), now)
        return self._advance(told)

    def _settle_up_to(self, horizon_ms: int, now_ms: int) -> None:
        """REST has told all that opens before `horizon_ms`: what it left out does not exist."""
        self._pending.forget(horizon_ms)
        if self._unread_ms is not None and horizon_ms > self._unread_ms:
            self._unread_ms = None if horizon_ms >= (self.settled_ms or 0) else horizon_ms
        if self._pending.last < horizon_ms:
            # the symbol is silent here and there: up to a bar ago (the answer may lag) there is nothing
            horizon_ms = max(horizon_ms, now_ms - now_ms % self.step_ms - self.step_ms)
        self.known_ms = max(self.known_ms, horizon_ms)

    def _advance(self, told: Told) -> Told:
        while self._pending and self.settled_ms is not None:
            opened = self._pending.first
            bar = self._pending[opened]
            taken_as_over = not self.flags and not bar.doubted and self._pending.last > opened
            if opened > max(self.settled_ms, self.known_ms) or not (bar.final or taken_as_over):
                break
            if not bar.final and self._unread_ms is None:
                self._unread_ms = opened
            row = self._told[opened] = self._pending.take_first()
            told.closed.append(row)
            told.news = True
            self.settled_ms = opened + self.step_ms
        while len(self._told) > MENDABLE:
            del self._told[next(iter(self._told))]
        return told

    def _amend(self, row: Row, told: Told) -> None:
        if self._told.get(int(row[0]), row) != row:
            self._told[int(row[0])] = list(row)
            told.amended.append(list(row))
            told.news = True
