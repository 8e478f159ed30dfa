"""The conformance suite on a plain object, and on the same object at the other end of HTTP."""

import pytest

from tests.bots.conformance import BotConformance
from tests.support.plain_bot import PlainBot
from workbench.bots.http_bot import HttpBot
from workbench.bots.server import BotServer


class TestPlainObject(BotConformance):
    @pytest.fixture
    def bot(self):
        return PlainBot()


class TestOverHttp(BotConformance):
    @pytest.fixture
    async def bot(self):
        server = BotServer(PlainBot(), "secret")
        bot = HttpBot("plain", await server.start(), "secret", timeout_s=5)
        yield bot
        await bot.close()
        await server.stop()


@pytest.mark.parametrize(
    ("question", "args"),
    [
        ("status", ()),
        ("capabilities", ()),
        ("trades", ()),
        ("equity", ()),
        ("forecast", ("BTC/USD", "1h", 5)),
        ("plan", ("ETH/USD", "30m")),
        ("analyze", ("ETH/USD", "30m")),
        ("features", ("ETH/USD", "30m")),
        ("tune", ("ETH/USD", "30m")),
    ],
)
async def test_the_wire_changes_no_value(question, args):
    plain = PlainBot()
    server = BotServer(plain, "secret")
    bot = HttpBot("plain", await server.start(), "secret")

    heard, said = await getattr(bot, question)(*args), await getattr(plain, question)(*args)

    if question == "status":
        assert abs((heard.as_of - said.as_of).total_seconds()) < 60
        assert (heard.positions, heard.equity, heard.realised) == (said.positions, said.equity, said.realised)
    else:
        assert heard == said
    await bot.close()
    await server.stop()
