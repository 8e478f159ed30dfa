"""The process that `workbench up` starts: its ready line, its end, and the conformance suite over HTTP."""

import asyncio
import json
import os
import signal
import sys

import pytest

from tests.bots.conformance import BotConformance
from tests.support.trading_floor import held, trading_floor
from workbench.bots.http_bot import HttpBot
from workbench.bots.server import BotServer

STOPS_WITHIN_S = 8.0  # promised: 3, on a machine that has nothing else to do


class TestResearchBotOverHttp(BotConformance):
    @pytest.fixture
    async def bot(self):
        async with trading_floor(bots=0) as floor:
            server = BotServer(await floor.bot(lockstep=False), "secret")
            bot = HttpBot("trend", await server.start(), "secret", timeout_s=30)
            yield bot
            await bot.close()
            await server.stop()


async def start(floor, *args, **env):
    known = {"WORKBENCH_BOT_TOKEN": "secret", **env}
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "workbench.bots.research", "--kind", "trend", "--exchange", floor.url, *args),
        env={**{k: v for k, v in os.environ.items() if not k.startswith("WORKBENCH_")}, **known},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def test_a_process_trades_answers_and_leaves_its_positions_at_the_venue():
    async with trading_floor() as floor:
        key = await floor.venue.open_account("trend", {"USD": "10000"})
        process = await start(floor, "--lockstep", WORKBENCH_API_KEY=key.key, WORKBENCH_API_SECRET=key.secret)
        said = json.loads(await asyncio.wait_for(process.stdout.readline(), 60))
        bot = HttpBot(said["bot_id"], said["url"], "secret")
        await floor.play(2)

        status = await bot.status()
        process.send_signal(signal.SIGTERM)
        code = await asyncio.wait_for(process.wait(), STOPS_WITHIN_S)

        account = await floor.account()
        assert said["bot_id"] == "trend"
        assert status.ready
        assert code == 0
        assert set(held(account)) == {"BTC"}
        assert len(account["open_orders"]) == 1
        await bot.close()


async def test_missing_keys_and_a_taken_port_are_one_sentence():
    async with trading_floor(bots=0) as floor:
        port = floor.url.rsplit(":", 1)[1]
        keyless = await start(floor)
        taken = await start(floor, "--port", port, WORKBENCH_API_KEY="k", WORKBENCH_API_SECRET="s")

        answers = [(await p.communicate())[1].decode().strip().splitlines() for p in (keyless, taken)]

        assert answers[0] == ["workbench: WORKBENCH_API_KEY is not set; the bot needs it"]
        assert answers[1][-1].startswith(f"workbench: port {port} on 127.0.0.1 is taken")
        assert (keyless.returncode, taken.returncode) == (1, 1)


async def test_a_wrong_key_is_said_in_the_status():
    async with trading_floor(bots=0) as floor:
        process = await start(floor, "--wait-s", "2", WORKBENCH_API_KEY="stranger", WORKBENCH_API_SECRET="s")
        said = json.loads(await asyncio.wait_for(process.stdout.readline(), 60))
        bot = HttpBot(said["bot_id"], said["url"], "secret")

        async with asyncio.timeout(60):
            while "refused" not in (status := await bot.status()).detail:  # noqa: ASYNC110 - nothing to wait on
                await asyncio.sleep(0.2)

        assert not status.ready
        assert b"stranger" not in await _ended(process)
        await bot.close()


async def _ended(process):
    process.terminate()
    return (await process.communicate())[1]
