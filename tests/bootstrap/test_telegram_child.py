"""The chat surface as a process: finds its token, answers, ends in order, and shows the token to nobody."""

import os
import signal
import sys

import psutil
import pytest

from tests.support.telegram_server import TOKEN, telegram_server
from workbench.bootstrap import parts
from workbench.bootstrap.logs import configure_logs
from workbench.bootstrap.processes import Child
from workbench.integrations.telegram_token import TOKEN_VARIABLE, token_from
from workbench.settings import Settings


def test_without_a_token_nothing_starts(monkeypatch, tmp_path):
    monkeypatch.delenv(TOKEN_VARIABLE, raising=False)

    assert token_from({}) == ""
    assert parts.telegram_specs(Settings(home=tmp_path)) == []


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
async def test_it_answers_ends_in_order_and_keeps_its_token(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    async with telegram_server() as server:
        monkeypatch.setenv(TOKEN_VARIABLE, TOKEN)
        monkeypatch.setenv("WORKBENCH_TELEGRAM__ADMINS", "[1]")
        monkeypatch.setenv("WORKBENCH_TELEGRAM__API_URL", server.url)
        (spec,) = parts.telegram_specs(Settings(home=tmp_path / "home"))
        child = Child(spec, tmp_path / "logs" / "telegram.log")

        said = await child.start()
        await server.say(1, "/help")
        answer = await server.heard(1, "Commands", 60)
        await server.say(1, "/nonsense")
        await server.heard(1, "no command", 60)
        arguments = " ".join(psutil.Process(child.pid).cmdline())
        os.kill(child.pid, signal.SIGTERM)
        await child.wait()

    assert said == {"telegram": "starting"}
    assert answer.chat == 1
    secret = TOKEN.split(":")[1]
    assert secret not in arguments
    assert all(secret.encode() not in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())


def test_a_secret_is_hidden_wherever_it_stands(capsys):
    import structlog

    configure_logs("WARNING", ["canary-one", ""])
    try:
        raise ValueError("no route to https://host/botcanary-one/getMe")
    except ValueError as error:
        structlog.get_logger("test").warning("failed", url=f"{error}", exc_info=True)
    told = capsys.readouterr().err
    structlog.reset_defaults()

    assert "canary-one" not in told
    assert told.count("•••") >= 2


async def test_a_refused_token_is_told_in_the_log_and_tried_again(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    async with telegram_server() as server:
        monkeypatch.setenv(TOKEN_VARIABLE, "1:wrong-canary-token")
        monkeypatch.setenv("WORKBENCH_TELEGRAM__API_URL", server.url)
        (spec,) = parts.telegram_specs(Settings(home=tmp_path / "home"))
        child = Child(spec, tmp_path / "telegram.log")
        await child.start()

        await server.until(lambda: len(server.calls) >= 2, 60)
        await child.stop()

    log = (tmp_path / "telegram.log").read_text()
    assert "Telegram refuses the token" in log
    assert "wrong-canary-token" not in log
