"""The twenty lines of docs/bots.md, run as they stand."""

import re
from pathlib import Path

import pytest

from workbench.bots.http_bot import HttpBot
from workbench.bots.server import BotServer
from workbench.domain.errors import CapabilityMissing

DOCS = Path(__file__).parents[2] / "docs" / "bots.md"


async def test_the_bot_of_the_documentation_answers():
    code = re.search(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)[1]
    names = {"__name__": "my_bot"}
    exec(code, names)
    server = BotServer(names["Patient"](), "secret")
    bot = HttpBot("patient", await server.start(), "secret")

    fan = await bot.forecast("BTC/USD", "30m")

    assert fan.values[0] < fan.reference < fan.values[-1]
    assert (await bot.capabilities())["tags"] == ["mine"]
    with pytest.raises(CapabilityMissing, match="patient does not halt"):
        await bot.halt(command_id="h", token=1)
    await bot.close()
    await server.stop()
