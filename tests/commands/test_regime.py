"""/regime on a real paper exchange, with bots that vote, do not vote, and vote nonsense."""

from datetime import UTC, datetime

import pytest

from tests.support.plain_bots import PlainBot
from workbench.commands.dispatcher import Dispatcher
from workbench.commands.reply import Chart, Table
from workbench.domain.errors import BotError
from workbench.domain.forecasts import Analysis
from workbench.domain.market import Timeframe
from workbench.ledger.log import open_ledger
from workbench.market import sample
from workbench.market.paper_exchange.client import Venue
from workbench.market.paper_exchange.server import PaperExchange
from workbench.market.paper_exchange.settings import ExchangeOptions
from workbench.orchestration.bot_registry import BotRegistry
from workbench.orchestration.command_center import UnifiedCommandCenter
from workbench.orchestration.data_sync import DataSync
from workbench.orchestration.regime_desk import look_at_regime
from workbench.quant.regimes import Voters
from workbench.settings import Settings

START, SYMBOLS = datetime(2018, 3, 1, tzinfo=UTC), ("BTC/USD", "ETH/USD")


class Voter(PlainBot):
    def __init__(self, vote):
        super().__init__()
        self.vote = vote

    async def analyze(self, symbol, timeframe):
        if self.vote is BotError:
            raise BotError("out for lunch")
        indicators = {} if self.vote is None else {"turbulent": self.vote}
        return Analysis("x", symbol, Timeframe.parse(timeframe), "hm", indicators)


@pytest.fixture
async def desk(tmp_path):
    candles = {symbol: sample.load(symbol) for symbol in SYMBOLS}
    server = PaperExchange(ExchangeOptions(candles, Timeframe.parse("30m"), start=START, paused=True))
    url = await server.start()
    venue, ledger, registry = Venue(url), open_ledger(tmp_path / "ledger.sqlite"), BotRegistry()
    votes = {"sure": 0.9, "unsure": 0.4, "silent": None, "broken": BotError, "wild": 7.0}
    for name, vote in votes.items():
        registry.register(name, Voter(vote))
    center = UnifiedCommandCenter(registry, ledger, venue, Settings(deadline_s=60.0))
    yield Dispatcher(center, ledger)
    await center.stop()
    await venue.close()
    ledger.close()
    await server.stop()


async def test_the_model_and_the_bots_make_one_regime_and_everybody_hears_of_it(desk):
    reply = await desk.ask("/regime btc 30m")

    assert reply.error == ""
    assert reply.title == "Regime of BTC/USD 30m"
    voices = {row[0]: row for row in next(part for part in reply.parts if isinstance(part, Table)).rows}
    assert [voices[name][3] for name in ("model", "sure", "unsure")] == pytest.approx([1 / 3] * 3)
    assert [voices[name][1:3] for name in ("silent", "broken", "wild")] == [(None, None)] * 3
    assert "out for lunch" in voices["broken"][4]
    model, together = voices["model"][2], voices["together"][2]
    assert together == pytest.approx((model + 0.9 + 0.4) / 3, abs=0.01)
    chart = next(part for part in reply.parts if isinstance(part, Chart))
    assert len(next(iter(chart.spec["datasets"].values()))) > 0

    sync = DataSync(desk.ledger)
    again = await desk.ask("/regime btc 30m")  # the same bar is told once
    heard = sync.subscribe("regimes", after=0)
    first = await anext(heard)
    assert first.data["symbol"] == "BTC/USD"
    assert first.data["turbulent"] == pytest.approx(together)
    assert again.ok
    assert len(desk.ledger.read(kinds=["SharedRegime"])) == 1
    await sync.stop()


async def test_past_score_moves_the_weights(desk):
    await desk.center.look()
    view = await look_at_regime(desk.center, "ETH/USD", "1h", Voters({"sure": 30.0, "unsure": 30.0, "model": 0.0}))

    assert view.together.weights["model"] > 0.99
    assert view.as_of <= START
    assert (view.path.index <= START).all()


async def test_too_few_bars_say_so(desk):
    reply = await desk.ask("/regime btc 1w")

    assert not reply.ok
    assert "ask for a shorter bar length" in reply.error
