"""A desk to practise on, inside this process: recorded candles replayed, research bots as plain Python objects.

Nothing outside is reached and nothing is kept: the ledger lies in a folder that goes with it.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp

from workbench.bootstrap.connection import Connection, connect
from workbench.bootstrap.run_file import DeskRun
from workbench.bots.research.bot import ResearchBot
from workbench.bots.research.options import ResearchOptions
from workbench.domain.market import Timeframe
from workbench.market import sample
from workbench.market.paper_exchange.server import PaperExchange
from workbench.market.paper_exchange.settings import ExchangeOptions
from workbench.orchestration.desk import Desk
from workbench.settings import Settings

KINDS = ("trend", "mean_reversion", "breakout")
SYMBOLS = ("BTC/USD", "ETH/USD", "XRP/USD")
START = datetime(2018, 6, 5, tzinfo=UTC)
CASH = 10_000.0
RECORD_S = 0.5
TOKEN = "practice"


@dataclass(frozen=True, slots=True)
class Practice:
    """`desk`: a connection as to any desk. `bots`: by id, begun, and registered nowhere yet."""

    desk: Connection
    bots: Mapping[str, ResearchBot]
    _acting: Desk
    _exchange: PaperExchange
    _home: Path

    async def close(self) -> None:
        """End bots, exchange and ledger."""
        await self._acting.stop()
        for bot in self.bots.values():
            await bot.stop()
        await self.desk.close()
        await self._exchange.stop()
        shutil.rmtree(self._home, ignore_errors=True)


async def practise(kinds: Sequence[str] = KINDS, symbols: Sequence[str] = SYMBOLS, speed: float = 3600.0) -> Practice:
    """Begin. kinds : of research bots, one each with 10,000 USD of paper; speed : market seconds a second."""
    candles = {symbol: sample.load(symbol) for symbol in symbols}
    frame = Timeframe.parse(sample.TIMEFRAME)
    exchange = PaperExchange(ExchangeOptions(candles, frame, start=START, speed=speed, admin_token=TOKEN))
    url, home = await exchange.start(), Path(mkdtemp(prefix="workbench-practice-"))
    run = DeskRun(pid=0, run_id="practice", exchange_url=url, exchange_token=TOKEN, bot_token="")
    desk = await connect(Settings(home=home, ledger=str(home / "ledger.sqlite"), record_every_s=RECORD_S), run)
    assert desk.venue  # this connection was made with one
    bots = {}
    for kind in kinds:
        key = await desk.venue.open_account(kind, {"USD": CASH})
        bots[kind] = ResearchBot(ResearchOptions(kind, kind, url, key.key, key.secret, tuple(symbols)))
        await bots[kind].start()
    acting = Desk(desk.center, desk.ledger)
    await acting.start()
    return Practice(desk, bots, acting, exchange, home)
