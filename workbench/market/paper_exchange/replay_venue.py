"""A replay as the server runs it: boards, floor and clock put together, and what it says of itself."""

import time
from typing import Any

from workbench.domain.market import Timeframe
from workbench.market.paper_exchange.admin import iso, shown_speed
from workbench.market.paper_exchange.clock import Pace
from workbench.market.paper_exchange.engine import Engine
from workbench.market.paper_exchange.floor import Floor
from workbench.market.paper_exchange.hub import Hub
from workbench.market.paper_exchange.keyring import Keyring
from workbench.market.paper_exchange.lockstep import Lockstep
from workbench.market.paper_exchange.opening import open_replay
from workbench.market.paper_exchange.replay import Replay
from workbench.market.paper_exchange.replay_board import Cursor, ReplayBoard
from workbench.market.paper_exchange.settings import ExchangeOptions
from workbench.market.paper_exchange.stepper import Stepper
from workbench.market.paper_exchange.store import Store
from workbench.market.paper_exchange.streams import Switchboard


class ReplayVenue:
    """Recorded candles as a market."""

    def __init__(
        self, options: ExchangeOptions, hub: Hub, engine: Engine, lockstep: Lockstep, store: Store | None = None
    ):
        opening = open_replay(options, store)
        cursor = Cursor(opening.position)
        recording = opening.recording
        share = options.liquidity_share
        boards = {symbol: ReplayBoard(recording, symbol, cursor, share) for symbol in recording.tapes}
        by_id = {board.market.id: board for board in boards.values()}
        keyring = Keyring()
        if store:
            store.load(engine.books, keyring, {symbol: board.market for symbol, board in boards.items()})
        self.floor = Floor(
            by_id, Switchboard(hub, by_id, recording.timeframe), hub, engine, keyring, store, opening.position
        )
        pace = Pace(options.speed, recording.time_of(opening.position), time.monotonic(), options.paused)
        self._options, self._run_id = options, opening.run_id
        self.replay = Replay(Stepper(recording, self.floor, boards, cursor), pace, lockstep, options.rebase_now)

    async def open(self) -> None:
        """Nothing to connect to."""

    async def run(self) -> None:
        replay, options = self.replay, self._options
        late_ms = time.time() * 1000 - replay.steps.now_ms if options.rebase_now else 0.0
        replay.pace.anchor(replay.steps.now_ms + late_ms, replay.wall())
        await replay.run()

    async def close(self) -> None:
        if self.floor.store:
            self.floor.store.note(position=self.replay.steps.cursor.position)

    @property
    def timeframe(self) -> Timeframe:
        return self.replay.steps.recording.timeframe

    def clock(self) -> dict[str, Any]:
        replay = self.replay
        return {
            "mode": "replay",
            "market_time": iso(replay.steps.now_ms),
            "speed": shown_speed(replay.pace.speed),
            "paused": replay.pace.paused,
            "run_id": self._run_id,
            "source": "replay",
            "timeframe": self.timeframe.text,
            "symbols": [board.market.symbol for board in self.floor.boards.values()],
            "ended": replay.steps.ended,
            "ends": iso(replay.steps.recording.time_of(replay.steps.recording.last_position)),
        }

    def pause(self) -> None:
        self.replay.pause()

    def resume(self) -> None:
        self.replay.resume()

    def set_speed(self, speed: float) -> None:
        self.replay.set_speed(speed)

    async def seek(self, moment_ms: int) -> int:
        return await self.replay.seek(moment_ms)
