"""workbench.toml: what is read, and what a broken one says."""

import pytest

from workbench.domain.errors import SettingsError
from workbench.settings import Settings, load_settings


def written(tmp_path, text):
    path = tmp_path / "workbench.toml"
    path.write_text(text)
    return path


def test_without_a_file_the_defaults_hold(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    settings = load_settings()

    assert settings.exchange.source == "replay"
    assert settings.ledger_url.endswith("ledger.sqlite")
    assert len(settings.research.kinds) == 4


def test_file_then_environment_then_caller(tmp_path, monkeypatch):
    path = written(tmp_path, "[exchange]\nspeed = 60\nport = 9001\n[page]\nport = 9002\n")
    monkeypatch.setenv("WORKBENCH_PAGE__PORT", "9100")

    settings = load_settings(path, exchange__speed=3600, exchange__source=None)

    assert (settings.exchange.speed, settings.exchange.port, settings.page.port) == (3600, 9001, 9100)


def test_bots_of_other_people_are_listed_by_address(tmp_path):
    settings = load_settings(written(tmp_path, '[[bots]]\nbot_id = "mine"\nurl = "http://127.0.0.1:9"\n'))

    assert settings.bots[0].bot_id == "mine"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[exchange\n", "not valid TOML"),
        ("[exchange]\nspeed = -1\n", "exchange.speed = -1"),
        ("[exchange]\nspeeed = 1\n", "no setting is named 'exchange.speeed'"),
        ("[page]\nport = 'x'\n", "page.port = 'x'"),
        ('[[jobs]]\nname = "../x"\nnotebook = "n"\ncron = "@daily"\n', "jobs.0.name"),
        ('[[jobs]]\nname = "x"\nnotebook = "n"\ncron = "0 25 * * *"\n', "hour '25' lies outside 0 to 23"),
        ('[[jobs]]\nname = "x"\nnotebook = "n"\ncron = "@daily"\nzone = "Mars"\n', "no time zone is called 'mars'"),
        (
            '[[jobs]]\nname = "x"\nnotebook = "n"\ncron = "@daily"\nparameters = {api_key = "a"}\n',
            "looks like a secret",
        ),
        (
            '[[jobs]]\nname = "x"\nnotebook = "n"\ncron = "@daily"\nparameters = {"a;b" = 1}\n',
            "cannot name a parameter",
        ),
        (2 * '[[jobs]]\nname = "x"\nnotebook = "n"\ncron = "@daily"\n', "two jobs are called 'x'"),
        ('[[bots]]\nbot_id = "../x"\nurl = "http://h"\n', "bots.0.bot_id"),
    ],
)
def test_a_broken_file_gets_one_clear_sentence(tmp_path, text, said):
    with pytest.raises(SettingsError, match=r"workbench\.toml") as raised:
        load_settings(written(tmp_path, text))

    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_job_is_read_with_its_schedule(tmp_path):
    text = '[[jobs]]\nname = "brief"\nnotebook = "daily_brief"\ncron = "0  7 * * MON"\n'
    text += "parameters = {hours = 24, on = true}\n"

    (job,) = load_settings(written(tmp_path, text)).jobs

    assert (job.cron, job.zone, job.parameters) == ("0 7 * * mon", "UTC", {"hours": 24, "on": True})


def test_settings_do_not_change_after_the_start():
    with pytest.raises(ValueError, match="frozen"):
        Settings().home = "elsewhere"
