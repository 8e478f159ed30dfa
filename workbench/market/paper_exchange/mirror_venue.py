"""A mirror as the server runs it: a real exchange's prices, paper money; and what it says of itself."""

import math
import secrets
import time
from typing import Any

from workbench.domain.errors import ExchangeError, StartError
from workbench.market.paper_exchange.admin import iso
from workbench.market.paper_exchange.engine import Engine
from workbench.market.paper_exchange.floor import Floor
from workbench.market.paper_exchange.hub import Hub
from workbench.market.paper_exchange.keyring import Keyring
from workbench.market.paper_exchange.mirror import Mirror, Source
from workbench.market.paper_exchange.mirror_board import MirrorBoard, market_like
from workbench.market.paper_exchange.settings import ExchangeOptions
from workbench.market.paper_exchange.store import Store
from workbench.market.paper_exchange.streams import Switchboard

_NO_TIME_TRAVEL = "a mirror follows a real market, whose time cannot be paused, sped up or sought"


class MirrorVenue:
    """Live prices of `options.source` as a market."""

    def __init__(self, options: ExchangeOptions, hub: Hub, engine: Engine, store: Store | None = None):
        source = Source(options.source, options.source_url)
        self.mirror = Mirror(source, options.symbols, options.timeframe, options.silent_s)
        self._options, self._hub, self._engine, self._store = options, hub, engine, store
        self._run_id = _run_id(options, store)
        self._boards: dict[str, MirrorBoard] = {}
        self.floor: Floor

    async def open(self) -> None:
        """Reach the exchange. Raises ExchangeError in one sentence where that fails."""
        options = self._options
        markets = await self.mirror.connect()
        feed = self.mirror.last_prices()
        self._boards = {
            symbol: MirrorBoard(
                market_like(said, feed[symbol]),
                options.timeframe.milliseconds,
                options.liquidity_share,
                options.stale_s,
                time.monotonic,
            )
            for symbol, said in markets.items()
        }
        await self.mirror.seed(self._boards)
        by_id = {board.market.id: board for board in self._boards.values()}
        keyring = Keyring()
        if self._store:
            known = {symbol: board.market for symbol, board in self._boards.items()}
            self._store.load(self._engine.books, keyring, known)
        switchboard = Switchboard(self._hub, by_id, options.timeframe)
        self.floor = Floor(by_id, switchboard, self._hub, self._engine, keyring, self._store)

    async def run(self) -> None:
        await self.mirror.run(self.floor, self._boards)

    async def close(self) -> None:
        await self.mirror.close()

    def clock(self) -> dict[str, Any]:
        ages = {symbol: board.age_s for symbol, board in self._boards.items()}
        stale = [symbol for symbol, age in ages.items() if age > self._options.stale_s]
        return {
            "mode": "paper",
            "market_time": iso(max((board.now_ms for board in self._boards.values()), default=0)),
            "speed": 1.0,
            "paused": False,
            "run_id": self._run_id,
            "source": self._options.source,
            "timeframe": self._options.timeframe.text,
            "symbols": list(self._boards),
            "ended": False,
            "data_age_s": round(min(ages.values()), 3) if ages and math.isfinite(min(ages.values())) else None,
            "ages_s": {symbol: round(age, 3) if math.isfinite(age) else None for symbol, age in ages.items()},
            "stale": _stale_words(stale, self._options, self.mirror.troubles.last),
            "reconnects": self.mirror.troubles.reconnects,
        }

    def pause(self) -> None:
        raise ExchangeError(_NO_TIME_TRAVEL)

    def resume(self) -> None:
        raise ExchangeError(_NO_TIME_TRAVEL)

    def set_speed(self, speed: float) -> None:
        raise ExchangeError(_NO_TIME_TRAVEL)

    async def seek(self, moment_ms: int) -> int:
        raise ExchangeError(_NO_TIME_TRAVEL)


def _stale_words(stale: list[str], options: ExchangeOptions, trouble: str) -> str:
    if not stale:
        return ""
    why = f" ({trouble})" if trouble else ""
    return f"nothing heard of {', '.join(stale)} from {options.source} for over {options.stale_s:g} s{why}"


def _run_id(options: ExchangeOptions, store: Store | None) -> str:
    """A mirror goes on under its name as long as its state file is of the same exchange."""
    facts = store.facts() if store else {}
    if facts and facts.get("source") != options.source:
        assert store
        raise StartError(f"the state file {store.path} belongs to {facts.get('source', 'a replay')}; name another")
    run_id = facts.get("run_id") or f"paper-{secrets.token_hex(4)}"
    if store:
        store.note(source=options.source, run_id=run_id)
    return run_id
