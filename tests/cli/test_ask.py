"""The terminal: real processes, real bots over HTTP, a real ledger."""

import asyncio
import json
import os
import signal
import sys
from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from tests.support.plain_bots import PlainBot
from workbench.bots.server import BotServer
from workbench.cli.asking import progress_shown
from workbench.cli.rendering import exit_status, local_zone, show
from workbench.commands.reply import Column, Question, Reply, Shape, Table, Text, failure
from workbench.domain.portfolio import Money
from workbench.domain.ports import CAPABILITIES

TOKEN = "a-secret-token"
NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


class ServedBot(PlainBot):
    bot_id = "trend"

    def __init__(self):
        super().__init__(bot_id="trend")

    def capabilities(self):
        told = {"bot_id": "trend", "kind": "plain", "capabilities": list(CAPABILITIES), "symbols": ["BTC/USD"]}
        return {**told, "timeframe": "30m", "gated": False, "tags": ["spot"], "version": "1"}

    async def forecast(self, symbol, timeframe, horizon=None):
        return _signed(await super().forecast(symbol, timeframe, horizon))

    async def tune(self, symbol, timeframe, progress):
        return _signed(await super().tune(symbol, timeframe, progress))


def _signed(value):
    return replace(value, bot_id="trend")


@pytest.fixture
async def trend():
    bot = ServedBot()
    server = BotServer(bot, TOKEN)
    bot.url = await server.start()
    yield bot
    await server.stop()


@pytest.fixture
def run(trend, tmp_path):
    """Run `workbench …` in a folder that names the bot; returns (status, standard output, standard error)."""
    (tmp_path / "workbench.toml").write_text(f'[[bots]]\nbot_id = "trend"\nurl = "{trend.url}"\n')

    async def start(*words):
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "workbench", *words),
            cwd=tmp_path,
            env={**os.environ, "WORKBENCH_BOT_TOKEN": TOKEN, "TZ": "Europe/Berlin"},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def finish(*words, typed=""):
        process = await start(*words)
        out, err = await process.communicate(typed.encode())
        return process.returncode, out.decode(), err.decode()

    finish.start = start
    return finish


async def test_ask_answers_a_person_on_standard_error(run):
    status, out, err = await run("ask", "/bots")

    assert (status, out) == (0, "")
    assert "1 bots" not in err
    assert "trend" in err
    assert "healthy" in err
    assert TOKEN not in err


async def test_ask_answers_a_script_on_standard_output(run):
    status, out, err = await run("ask", "/status", "--json")

    said = json.loads(out)
    assert (status, err) == (0, "")
    assert said["ok"]
    assert said["parts"][0]["rows"][0]["equity"] == {"amount": 10_000.0, "currency": "USD"}


async def test_bots_is_ask_bots(run):
    status, out, _ = await run("bots", "--json")

    assert status == 0
    assert json.loads(out)["title"] == "1 bot, 1 healthy"


async def test_words_need_no_quotes(run):
    status, out, _ = await run("ask", "/cross", "forecast", "BTCUSDT", "1h", "--json")

    said = json.loads(out)
    assert status == 0
    assert said["notes"] == ["BTCUSDT is quoted in USD here: BTC/USD"]
    assert [row["bot"] for row in said["parts"][1]["rows"]] == ["trend", "together"]


@pytest.mark.parametrize(
    ("line", "status", "words"),
    [
        ("/forcast btc 1h", 2, "workbench: there is no command '/forcast'; did you mean /forecast?"),
        ("/analyze btc 4h nobody", 2, "workbench: no bot is named 'nobody'; bots: trend"),
    ],
)
async def test_a_wrong_line_is_wrong_usage(run, line, status, words):
    found, out, err = await run("ask", line)

    assert (found, out) == (status, "")
    assert err.strip() == words


async def test_a_failure_is_status_1_and_its_last_line(run, trend):
    trend.pause = None

    status, out, err = await run("ask", "/pause trend", "--json")

    assert status == 1
    assert json.loads(out)["ok"] is False
    assert err.strip().splitlines()[-1].startswith("workbench: pause: 1 of 1 not done; trend: ")


async def test_an_effect_is_done_once_though_asked_for_twice(run, trend):
    for _ in range(2):
        status, _, err = await run("ask", "/pause trend --id one")
        assert status == 0, err

    assert trend.acts == {"pause": 1}


async def test_ctrl_c_ends_a_tuning(run, trend, tmp_path):
    ended = asyncio.Event()

    async def endless(symbol, timeframe, progress):
        try:
            while True:
                progress(0.3, "fold 1 of 3")
                await asyncio.sleep(0.05)
        finally:
            ended.set()

    trend.tune = endless
    process = await run.start("ask", "/tune trend btc 1h")
    async with asyncio.timeout(60):
        while b"fold 1 of 3" not in await process.stderr.readline():
            pass
    process.send_signal(signal.SIGINT)
    async with asyncio.timeout(60):
        await process.wait()
        await ended.wait()

    assert process.returncode == 130


async def test_the_shell_answers_line_by_line(run):
    status, _, err = await run("shell", typed="/bots\n\nnonsense\n/forecast btc 1h\n")

    assert status == 0
    assert "1 bot, 1 healthy" in err
    assert "there is no command 'nonsense'" in err
    assert "trend: BTC/USD 1h, 24 h ahead" in err


def drawn(reply, width=120):
    to = Console(file=StringIO(), width=width, markup=False, highlight=False, emoji=False)
    show(reply, to, ZoneInfo("Europe/Berlin"), NOW)
    return to.file.getvalue()


def test_markup_from_outside_stays_text():
    hostile = "[bold red]x[/] :smile: [link=http://evil]y[/link]"
    reply = Reply(
        hostile, (Text(hostile), Table((Column("bot", Shape.BOT),), ((hostile,),), hostile)), notes=(hostile,)
    )

    text = drawn(reply)

    assert text.count("[bold red]x[/] :smile: [link=http://evil]y[/link]") == 5


def test_a_table_is_drawn_with_its_numbers_to_the_right():
    columns = (Column("bot", Shape.BOT), Column("P&L", Shape.CHANGE), Column("opened", Shape.TIME), Column("note"))
    lines = drawn(Reply("T", (Table(columns, (("a", Money(5, "USD"), NOW, ""), ("b", None, None, ""))),))).splitlines()

    assert "opened (Europe/Berlin)" in lines[1]
    assert "note" not in "".join(lines)  # says nothing in any row
    first = next(line for line in lines if line.startswith("a "))
    second = next(line for line in lines if line.startswith("b "))
    assert first.index("+5.00 USD") + len("+5.00 USD") == second.index("–") + 1
    assert "2026-07-01 14:00:00" in first


def test_an_error_is_one_unbroken_line_at_the_end():
    text = drawn(failure("x", "word " * 60), width=40)

    assert text.count("\n") == 1
    assert text.startswith("workbench: word word")


def test_an_old_answer_tells_its_age():
    assert "12 s ago" in drawn(Reply("T", (Text("x"),), as_of=datetime(2026, 7, 1, 11, 59, 48, tzinfo=UTC)))


def test_a_question_tells_its_answer():
    text = drawn(Reply("T", (Question("Halt 4 bots?", "/yes 1234", NOW),)))

    assert "/yes 1234" in text
    assert "14:00:00 Europe/Berlin" in text


@pytest.mark.parametrize(("reply", "status"), [(Reply("x"), 0), (failure("x", "y"), 1), (failure("x", "y", True), 2)])
def test_exit_statuses(reply, status):
    assert exit_status(reply) == status


def test_progress_in_a_pipe_is_a_line_for_each_tenth():
    to = Console(file=StringIO(), width=80)
    with progress_shown(to) as progress:
        for step in range(100):
            progress(step / 100, "[b]fold[/b]")

    assert len(to.file.getvalue().splitlines()) == 10
    assert "[b]fold[/b]" in to.file.getvalue()


def test_the_zone_is_this_machines(monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert str(local_zone()) == "Asia/Tokyo"
    monkeypatch.setenv("TZ", "nonsense/zone")
    assert local_zone() is not None
