"""The doctor names each fault with its mend."""

import json

import pytest

from workbench import cli


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("WORKBENCH_EXCHANGE__PORT", "0")
    monkeypatch.setenv("WORKBENCH_PAGE__PORT", "0")
    return tmp_path


def findings(capsys):
    status = cli.main(["doctor", "--json"])
    return status, {finding["what"]: finding for finding in json.loads(capsys.readouterr().out)}


def test_a_sound_machine_passes(folder, capsys):
    status, found = findings(capsys)

    assert status == 0
    assert found["desk"]["mend"] == "start it: make up"
    assert found["ccxt"]["ok"]


def test_a_broken_settings_file_is_a_finding(folder, capsys):
    (folder / "workbench.toml").write_text("[exchange")

    status, found = findings(capsys)

    assert status == 1
    assert "not valid TOML" in found["settings"]["mend"]


def test_a_bot_without_its_token_is_a_warning(folder, capsys):
    (folder / "workbench.toml").write_text(
        '[[bots]]\nbot_id = "mine"\nurl = "http://127.0.0.1:9"\ntoken_env = "NOPE"\n'
    )

    status, found = findings(capsys)

    assert status == 0
    assert "NOPE" in found["bot mine"]["mend"]


def test_a_database_that_does_not_answer_is_a_fault(folder, capsys, monkeypatch):
    monkeypatch.setenv("WORKBENCH_LEDGER", "postgresql://nobody@127.0.0.1:1/none")

    status, found = findings(capsys)

    assert status == 1
    assert found["ledger"]["mend"]


def test_the_table_is_for_people(folder, capsys):
    cli.main(["doctor"])

    assert "Chromium" in capsys.readouterr().err


def test_a_telegram_token_without_an_admin_is_a_warning(folder, capsys, monkeypatch):
    monkeypatch.setenv("WORKBENCH_TELEGRAM_TOKEN", "1:canary")

    status, found = findings(capsys)
    monkeypatch.setenv("WORKBENCH_TELEGRAM__ADMINS", "[5]")
    _, mended = findings(capsys)

    assert status == 0
    assert "telegram.admins" in found["Telegram"]["mend"]
    assert mended["Telegram"]["found"] == "a token, 1 admins, 0 groups"
    assert "canary" not in str(found)
