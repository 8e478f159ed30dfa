"""Recorded bars played as a market: at any speed, with pause and seek, the same every time.

One step: prices move, resting orders meet them, then listeners hear of it. At a bar's open step the bars that ended
are published after the price has moved to the new open, so that an order sent in answer to a closed bar trades at the
next open. All market times are times of steps.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from workbench.domain.errors import ExchangeError
from workbench.market.paper_exchange.board import Board, Cursor, ReplayBoard
from workbench.market.paper_exchange.clock import MAX_SPEED, Pace
from workbench.market.paper_exchange.floor import Floor
from workbench.market.paper_exchange.hub import TOO_SLOW
from workbench.market.paper_exchange.lockstep import Lockstep
from workbench.market.paper_exchange.matching import Move
from workbench.market.paper_exchange.recording import STEPS, Recording

_SLICE_S = 0.008  # how long steps may run before requests get their turn
_PATIENCE_S = 5.0
_LATE_S = 5.0
_IDLE_S = 0.05
_NOTE_EVERY_S = 0.5


@dataclass
class Replay:
    """`boards` by symbol. `cursor` is where it stands; nothing else moves it."""

    recording: Recording
    floor: Floor
    boards: Mapping[str, ReplayBoard]
    cursor: Cursor
    pace: Pace
    lockstep: Lockstep
    keeps_wall_time: bool = False
    wall: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        self._wake = asyncio.Event()
        self._target: int | None = None
        self._arrived = asyncio.Event()
        self._noted_s = 0.0

    @property
    def now_ms(self) -> int:
        return self.recording.time_of(self.cursor.position)

    @property
    def ended(self) -> bool:
        return self.cursor.position >= self.recording.last_position

    async def run(self) -> None:
        """Play until the last bar has closed, then wait for ever (a seek cannot go back)."""
        while True:
            wait_s = self._wait_s()
            if wait_s > 0:
                self._note()
                await self._sleep(wait_s)
                continue
            await self._play_slice()
            await asyncio.sleep(0)

    async def _play_slice(self) -> None:
        self._slip()
        until = self.wall() + _SLICE_S
        while self._wait_s() <= 0 and self.wall() < until:
            at_boundary = self.advance()
            if at_boundary and self.lockstep.names:
                await self.lockstep.release(self.now_ms, self._closed_ids())
        if self._rushing:
            await self._yield_to_slow()
        self._note()

    def _slip(self) -> None:
        """A host that stood still, or a participant that took its time, slows the market instead of making it rush;
        only a replay that was rebased to the wall clock catches up with it."""
        if not self.keeps_wall_time and not self._rushing and self._wait_s() < -_LATE_S:
            self.pace.anchor(self.now_ms + self.recording.step_ms, self.wall())

    def _wait_s(self) -> float:
        if self.ended or self.lockstep.waiting:
            return _IDLE_S
        if self._target is not None:
            return 0.0
        return self.pace.wait_s(self.now_ms + self.recording.step_ms, self.wall())

    @property
    def _rushing(self) -> bool:
        return self._target is not None or self.pace.speed == MAX_SPEED

    async def _sleep(self, seconds: float) -> None:
        self._wake.clear()
        try:
            async with asyncio.timeout(min(seconds, 3600.0)):
                await self._wake.wait()
        except TimeoutError:
            pass

    def advance(self) -> bool:
        """Play one step. True at a bar's open step."""
        old = self.cursor.position
        self.cursor.position = self.floor.position = old + 1
        now, opening = self.now_ms, (old + 1) % STEPS == 0
        resting = [symbol for symbol, book in self.floor.books.resting.items() if book.orders]
        if resting:
            moves = [(symbol, move) for symbol in resting if (move := self._move(self.boards[symbol], now, opening))]
            self.floor.move(moves)
        self._publish(now, opening)
        if self._target is not None and (self.cursor.position >= self._target or self.ended):
            self._target = None
            self.pace.anchor(now, self.wall())
            self._arrived.set()
        return opening

    def _move(self, board: ReplayBoard, now: int, opening: bool) -> Move | None:
        """How the price of a market got to where it is. None: it did not trade in this step."""
        if not board.trades_now:
            return None
        place = board.place
        end = board.market.price(board.price_at(place))
        start = board.market.price(board.price_at(place - 1)) if place else end
        return Move(start, end, opening or not place, board.takeable(place), now)

    def _publish(self, now: int, opening: bool) -> None:
        switchboard = self.floor.switchboard
        if not switchboard.heard_symbols:
            return
        moved: list[Board] = []
        for symbol in sorted(switchboard.heard_symbols):
            board = self.boards[symbol]
            if opening:
                switchboard.closed(board, now)
            if board.trades_now:
                switchboard.moved(board, now)
                moved.append(board)
        switchboard.day(now, moved)
        self.floor.hub.flush()

    def _closed_ids(self) -> list[str]:
        """Markets whose bar ended at this boundary."""
        ended = self.cursor.position // STEPS - 1
        return [board.market.id for symbol, board in self.boards.items() if self.recording.row_at(symbol, ended)[1]]

    async def _yield_to_slow(self) -> None:
        """At full speed nobody is timed by the wall clock, so the replay waits for listeners, within reason."""
        until = self.wall() + _PATIENCE_S
        while slow := self.floor.hub.slowest():
            before = slow.behind
            await asyncio.sleep(0.002)
            if slow.behind < before:
                until = self.wall() + _PATIENCE_S
            elif self.wall() > until:
                words = f"took nothing for {_PATIENCE_S:g} s; reconnect and ask over REST for what you missed"
                slow.close(TOO_SLOW, words)

    def _note(self) -> None:
        """Keep the position now and then where nothing else does."""
        store, wall_s = self.floor.store, self.wall()
        if store and wall_s - self._noted_s > _NOTE_EVERY_S:
            store.note(position=self.cursor.position)
            self._noted_s = wall_s

    def pause(self) -> None:
        self.pace.paused = True

    def resume(self) -> None:
        """Go on from where it stands."""
        self.pace.paused = False
        self.pace.anchor(self.now_ms, self.wall())
        self._wake.set()

    def set_speed(self, speed: float) -> None:
        self.pace.speed = speed
        self.pace.anchor(self.now_ms, self.wall())
        self._wake.set()

    async def seek(self, moment_ms: int) -> int:
        """Trade through to the newest step at or before a moment, as fast as possible.

        Returns the moment reached. Raises ExchangeError for the past.
        """
        target = min(self.recording.position_of(moment_ms), self.recording.last_position)
        if target < self.cursor.position:
            raise ExchangeError(
                "a replay runs forward only, since what was traded cannot be untraded; start a fresh run with --from"
            )
        if target > self.cursor.position:
            self._target = target
            self._arrived.clear()
            self._wake.set()
            await self._arrived.wait()
        return self.now_ms
