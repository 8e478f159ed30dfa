"""The same sixty lines, asked through each real surface of one running floor, give the same reply value.

Terminal: `workbench ask LINE --json`. Notebook: `%wb` in a kernel of its own. Telegram: a message over HTTP to the bot.
What is left out of the comparison is what a clock writes: `as_of`, ages and latencies.
"""

import asyncio
import json
import os
from contextlib import asynccontextmanager

import nbformat
import pytest
from nbclient import NotebookClient

from tests.support.telegram_server import TOKEN, telegram_server
from tests.support.trading_floor import ADMIN, trading_floor
from workbench import cli
from workbench.bootstrap.connection import connect
from workbench.bootstrap.run_file import DeskRun, write_run
from workbench.bots.server import BotServer
from workbench.integrations.unified_telegram import UnifiedTelegram
from workbench.settings import load_settings

PERSON = 1
BOT_TOKEN = "a-token-of-this-test"
EFFECTS = (
    "/pause trend --id one",
    "/pause trend —id one",
    "/pause TREND --id one",
    "/resume trend --id two",
    "/resume trend --id one",
    "/pause trend,mean_reversion --id three",
    "/resume all --id four",
    "/risk hold",
    "/alerts off trades",
    "/people approve 77 viewer",
)
LINES = (
    "/help",
    "help",
    "/help forecast",
    "/help cross forecast",
    "/help nonsense",
    "/HELP",
    "/bots",
    "bots",
    "/status",
    "/status trend",
    "status all",
    "/status trend,mean_reversion",
    "/status @nobody",
    "/status nobody",
    "/forecast BTCUSD 1h trend",
    "/forecast btc 1h trend",
    "forecast btc-usd 60m trend",
    "/forecast BTC/USDT 1h trend --horizon 6",
    "/forecast btc 1h trend –horizon 6",
    "/forecast btc 1h trend --horizn 6",
    "/forecast eth 4h mean_reversion",
    "/forecast doge 1h",
    "/forecast btc",
    "/forecast btc 1x",
    "/forecast btc 1h trend extra",
    "/forcast btc 1h",
    "/plan BTCUSD 1h trend",
    "/plan eth 30m mean-reversion",
    "/analyze btc 4h trend",
    '/analyze btc "4 hours" trend',
    "/analyze btc 4h trnd",
    "/cross forecast BTCUSD 1h",
    "/cross forecast btc 1h trend",
    "/cross plan btc 1h all",
    "/cross analyze btc 1h",
    "/cross",
    "/cross forecas btc 1h",
    "/risk 20,000",
    "/risk 20k --method inverse_volatility",
    "/risk limits",
    "/risk status",
    "/risk whatif correlations 1",
    "/risk 1e5",
    "/risk 20k --method nonsense",
    "/alerts",
    "/people",
    "pause trend",
    "/pause",
    "/release all",
    "hello",
)


@pytest.fixture
async def floor(tmp_path, monkeypatch):
    """Two research bots on a paused exchange, found by the run file as those of a running desk."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TZ", "UTC")
    async with trading_floor(bots=2) as floor:
        toml, servers = [], []
        for kind in ("trend", "mean_reversion"):
            server = BotServer(await floor.bot(kind), BOT_TOKEN)
            toml.append(f'[[bots]]\nbot_id = "{kind}"\nurl = "{await server.start()}"\n')
            servers.append(server)
        (tmp_path / "workbench.toml").write_text("\n".join([f"[telegram]\nadmins = [{PERSON}]\n", *toml]))
        run = DeskRun(os.getpid(), "run", floor.url, bot_token=BOT_TOKEN, exchange_token=ADMIN)
        monkeypatch.setenv("WORKBENCH_BOT_TOKEN", BOT_TOKEN)
        write_run(load_settings().home, run)
        await floor.play(3)
        floor.folder = tmp_path
        yield floor
        for server in servers:
            await server.stop()


def timeless(value):
    """The value without what a clock writes."""
    if isinstance(value, list):
        return [timeless(each) for each in value]
    if not isinstance(value, dict):
        return value
    if value.get("type") == "table":
        moving = {c["name"] for c in value["columns"] if c["shape"] in ("age", "latency")} | {"ago", "at", "note"}
        rows = [{name: cell for name, cell in row.items() if name not in moving} for row in value["rows"]]
        return {**value, "rows": timeless(rows)}
    return {key: timeless(each) for key, each in value.items() if key not in ("as_of", "expires_at")}


async def in_terminal(lines, capsys):
    """Each line is a run of its own of `workbench ask`."""
    found = []
    for line in lines:
        capsys.readouterr()
        await asyncio.to_thread(cli.main, ["ask", "--json", "--", line])
        found.append(json.loads(capsys.readouterr().out))
    return found


async def in_notebook(lines, folder):
    asked = "\n".join(f"reply = %wb {line}\nreplies.append(reply.to_json())" for line in lines)
    cells = ["%load_ext workbench\nimport json\nreplies = []", asked, "print(json.dumps(replies))"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    where = {"metadata": {"path": str(folder)}}
    await NotebookClient(notebook, timeout=150, kernel_name="python3", resources=where).async_execute()
    return json.loads("".join(output["text"] for output in notebook.cells[-1].outputs if output.name == "stdout"))


@asynccontextmanager
async def telegram(server, **own):
    """The chat surface with a connection of its own, and what it answered by update."""
    answered = {}
    settings = load_settings()
    own = settings.telegram.model_copy(update={"api_url": server.url, **own})
    async with connect(settings.model_copy(update={"telegram": own})) as desk:
        surface = UnifiedTelegram(desk.center, desk.ledger, desk.settings, TOKEN, answered.__setitem__)
        await surface.start()
        try:
            yield answered
        finally:
            await surface.stop()


async def in_telegram(lines, server, answered):
    found = []
    for line in lines:
        update = await server.say(PERSON, line)
        reply = await server.until(lambda update=update: answered.get(update), 60)
        found.append(json.loads(json.dumps(reply.to_json())))
    return found


@pytest.mark.slow
async def test_the_same_lines_give_the_same_reply_value_in_terminal_notebook_and_telegram(floor, capsys):
    assert len({*EFFECTS, *LINES}) >= 60
    async with telegram_server() as server, telegram(server) as answered:
        for lines in (EFFECTS, LINES):
            here = await in_terminal(lines, capsys)
            cell = await in_notebook(lines, floor.folder)
            chat = await in_telegram(lines, server, answered)

            for line, *values in zip(lines, here, cell, chat, strict=True):
                terminal, notebook, telegram_value = map(timeless, values)
                assert notebook == terminal, line
                assert telegram_value == terminal, line
        done = [value["ok"] for value in here]
        assert done.count(True) > 25
        assert done.count(False) > 10
        await server.until(lambda: len(server.shown(PERSON)) >= 10)  # Telegram is written to at its own pace


@pytest.mark.slow
async def test_a_live_chart_in_a_chat_follows_the_market(floor):
    async with telegram_server() as server, telegram(server, live_every_s=1.0):
        await server.say(PERSON, "/stream btc 30m")
        said = await server.heard(PERSON, "BTC/USD 30m", 90)
        first, words = said.photo, said.text

        await floor.play(2)
        await server.until(lambda: said.photo != first, 90)

    assert first.startswith(b"\x89PNG")
    assert said.photo.startswith(b"\x89PNG")
    assert [button["text"] for button in said.buttons] == ["Stop"]
    assert words in said.versions
