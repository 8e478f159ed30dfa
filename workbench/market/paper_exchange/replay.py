"""Recorded time: steps played when they are due, at any speed, with pause and seek, or as fast as they go."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from workbench.domain.errors import ExchangeError
from workbench.market.paper_exchange.clock import MAX_SPEED, Pace
from workbench.market.paper_exchange.hub import TOO_SLOW
from workbench.market.paper_exchange.lockstep import Lockstep
from workbench.market.paper_exchange.stepper import Stepper

_SLICE_S = 0.008  # how long steps may run before requests get their turn
_PATIENCE_S = 5.0
_LATE_S = 5.0
_IDLE_S = 0.05
_NOTE_EVERY_S = 0.5


@dataclass
class Replay:
    """Plays `steps`. `keeps_wall_time`: it was rebased to the wall clock, and catches up with it when late."""

    steps: Stepper
    pace: Pace
    lockstep: Lockstep
    keeps_wall_time: bool = False
    wall: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        self._wake = asyncio.Event()
        self._target: int | None = None
        self._arrived = asyncio.Event()
        self._noted_s = 0.0

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
        """Play what is due, for a moment. A host that stood still, or a participant that took its time, slows the
        market instead of making it rush; only a replay that keeps wall time catches up."""
        if not self.keeps_wall_time and not self._rushing and self._wait_s() < -_LATE_S:
            self.pace.anchor(self.steps.next_ms, self.wall())
        until = self.wall() + _SLICE_S
        while self._wait_s() <= 0 and self.wall() < until:
            at_boundary = self.steps.advance()
            self._arrive()
            if at_boundary and self.lockstep.names:
                await self.lockstep.release(self.steps.now_ms, self.steps.closed_ids())
        if self._rushing:
            await self._yield_to_slow()
        self._note()

    def _arrive(self) -> None:
        """End a seek that has reached its moment."""
        if self._target is not None and (self.steps.cursor.position >= self._target or self.steps.ended):
            self._target = None
            self.pace.anchor(self.steps.now_ms, self.wall())
            self._arrived.set()

    def _wait_s(self) -> float:
        if self.steps.ended or self.lockstep.waiting:
            return _IDLE_S
        if self._target is not None:
            return 0.0
        return self.pace.wait_s(self.steps.next_ms, self.wall())

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

    async def _yield_to_slow(self) -> None:
        """At full speed nobody is timed by the wall clock, so the replay waits for listeners, within reason."""
        until = self.wall() + _PATIENCE_S
        while slow := self.steps.floor.hub.slowest():
            before = slow.behind
            await asyncio.sleep(0.002)
            if slow.behind < before:
                until = self.wall() + _PATIENCE_S
            elif self.wall() > until:
                words = f"took nothing for {_PATIENCE_S:g} s; reconnect and ask over REST for what you missed"
                slow.close(TOO_SLOW, words)

    def _note(self) -> None:
        """Keep the position now and then where nothing else does."""
        store, wall_s = self.steps.floor.store, self.wall()
        if store and wall_s - self._noted_s > _NOTE_EVERY_S:
            store.note(position=self.steps.cursor.position)
            self._noted_s = wall_s

    def pause(self) -> None:
        self.pace.paused = True

    def resume(self) -> None:
        """Go on from where it stands."""
        self.pace.paused = False
        self.pace.anchor(self.steps.now_ms, self.wall())
        self._wake.set()

    def set_speed(self, speed: float) -> None:
        self.pace.speed = speed
        self.pace.anchor(self.steps.now_ms, self.wall())
        self._wake.set()

    async def seek(self, moment_ms: int) -> int:
        """Trade through to the newest step at or before a moment, as fast as possible.

        Returns the moment reached. Raises ExchangeError for the past.
        """
        target = min(self.steps.recording.position_of(moment_ms), self.steps.recording.last_position)
        if target < self.steps.cursor.position:
            raise ExchangeError(
                "a replay runs forward only, since what was traded cannot be untraded; start a fresh run with --from"
            )
        if target > self.steps.cursor.position:
            self._target = target
            self._arrived.clear()
            self._wake.set()
            await self._arrived.wait()
        return self.steps.now_ms
