"""A bot that repeats what opens it is heard, and that is not."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from workbench.bots.echoes import without
from workbench.bots.freqtrade_line import FreqtradeLine, Login
from workbench.bots.http_bot import HttpBot
from workbench.domain.errors import BotError

TOKEN = "canary-token"


@pytest.fixture
async def echo():
    """Refuses every call, and repeats it."""

    async def refuse(request):
        words = f"no: {request.headers['Authorization']}"
        return web.json_response({"error": words, "detail": words, "code": "bot_error"}, status=502)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", refuse)
    async with TestServer(app) as server:
        yield str(server.make_url("/"))


async def test_an_error_that_repeats_a_token_is_told_without_it(echo):
    bot = HttpBot("grid", echo, TOKEN)

    with pytest.raises(BotError, match="no: Bearer •••") as caught:
        await bot.status()
    await bot.close()

    assert TOKEN not in str(caught.value)


async def test_a_freqtrade_that_repeats_its_login_is_told_without_it(echo):
    line = FreqtradeLine("freq", echo, Login("ada", TOKEN))

    with pytest.raises(BotError, match="no: Basic •••"):
        await line.ask("/status")
    await line.close()


def test_short_words_are_left_alone():
    assert without(b"ab abcdef", ["ab", "abcdef", ""]) == "ab •••".encode()
