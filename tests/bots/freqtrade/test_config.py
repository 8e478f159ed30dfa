"""Where a Freqtrade answers and under which login: from its own config, as Freqtrade reads it; and who finds it."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.support.freqtrade_rig import ALWAYS
from workbench.bootstrap import freqtrade_env
from workbench.bootstrap.freqtrade_env import env_folder, freqtrade_python
from workbench.bootstrap.freqtrade_folder import FreqtradePlan, create, read_facts
from workbench.bootstrap.freqtrade_start import settings_for
from workbench.bots.freqtrade_config import configs_in, read_address, read_config
from workbench.bots.freqtrade_line import Login, login_of_run
from workbench.domain.errors import BotError, StartError
from workbench.orchestration.bot_registry import BotRegistry
from workbench.orchestration.discovery import Discovery
from workbench.settings import FreqtradeSettings, Settings

COMMENTED = """
{
    // the bot of "the attic"
    "bot_name": "attic // not a comment",
    "api_server": {
        "enabled": true, "listen_ip_address": "0.0.0.0", "listen_port": 8081, /* as ever */
        "username": "me", "password": "a,} b",
    },
}
"""


@pytest.fixture
def attic(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(COMMENTED)
    return path


def test_comments_and_trailing_commas_are_understood(attic):
    address = read_address(attic, environment={})

    assert address.bot_id == "attic----not-a-comment"
    assert address.url == "http://127.0.0.1:8081"
    assert address.login == Login("me", "a,} b")


def test_no_login_is_ever_printed(attic):
    address = read_address(attic, environment={})

    assert "a,} b" not in f"{address!r} {address.login!r} {address.login}"


def test_the_environment_wins_over_the_file_and_the_caller_over_both(attic):
    variables = {"FREQTRADE__API_SERVER__PASSWORD": "of the environment"}

    assert read_address(attic, environment=variables).login == Login("me", "of the environment")
    assert read_address(attic, Login("a", "b"), variables).login == Login("a", "b")


def test_files_added_by_a_config_lie_under_it(tmp_path):
    (tmp_path / "secret.json").write_text(json.dumps({"api_server": {"password": "p", "listen_port": 1}}))
    own = {"add_config_files": ["secret.json"], "api_server": {"enabled": True, "listen_port": 2}}
    (tmp_path / "config.json").write_text(json.dumps(own))

    assert read_config(tmp_path / "config.json")["api_server"] == {"password": "p", "listen_port": 2, "enabled": True}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not JSON"),
        ("[]", "must be a JSON object"),
        ("{}", "no api_server"),
        ('{"api_server": {"enabled": false}}', "no api_server"),
        ('{"api_server": {"enabled": true, "listen_port": "x"}}', "is no port"),
        ('{"api_server": {"enabled": true, "listen_port": 80}}', "no login"),
    ],
)
def test_what_is_no_config_is_one_sentence(tmp_path, text, said):
    (tmp_path / "config.json").write_text(text)

    with pytest.raises(BotError, match=said):
        read_address(tmp_path / "config.json", environment={})


def test_a_folder_means_every_config_with_an_api_in_it(tmp_path):
    api = {"api_server": {"enabled": True, "listen_port": 8080, "username": "u", "password": "p"}}
    for name in ("one", "two", "three"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(json.dumps(api if name != "three" else {}))

    found = [read_address(path, environment={}).bot_id for path in configs_in(tmp_path)]

    assert sorted(found) == ["one", "two"]


async def test_settings_lead_to_them_and_a_bad_one_costs_the_others_nothing(attic, monkeypatch):
    monkeypatch.setenv("ATTIC_USER", "u")
    monkeypatch.setenv("ATTIC_PASSWORD", "p")
    named = (
        FreqtradeSettings(config=attic),
        FreqtradeSettings(config=attic.with_name("nowhere.json")),
        FreqtradeSettings(url="http://h:1", bot_id="far", username_env="ATTIC_USER", password_env="ATTIC_PASSWORD"),
        FreqtradeSettings(url="http://h:2", bot_id="locked", username_env="UNSET_A", password_env="UNSET_B"),
    )
    registry = BotRegistry(Discovery(Settings(freqtrade=named)))

    await registry.discover()
    await registry.stop()

    assert set(registry.members) == {"attic----not-a-comment", "far"}
    assert any("nowhere.json" in problem for problem in registry.problems)
    assert any("UNSET_A" in problem for problem in registry.problems)
    assert "a,} b" not in str(registry.problems)


def test_each_bot_of_a_run_has_a_password_of_its_own():
    logins = {login_of_run(bot, "token").password for bot in ("a", "b")}

    assert len(logins) == 2
    assert "token" not in "".join(logins)


@pytest.fixture
def strategy(tmp_path):
    path = tmp_path / "always.py"
    path.write_text(textwrap.dedent(ALWAYS))
    return path


def test_new_writes_a_paused_dry_run_with_a_port_and_database_of_its_own_and_no_secret(tmp_path, strategy):
    settings = Settings(home=tmp_path / "home")
    facts = [create(settings, FreqtradePlan(name, strategy)) for name in ("a", "b")]
    configs = [json.loads(each.config.read_text()) for each in facts]

    assert all(config["initial_state"] == "paused" and config["dry_run"] for config in configs)
    assert configs[0]["db_url"] != configs[1]["db_url"]
    assert facts[0].port != facts[1].port
    assert not {"password", "username", "jwt_secret_key", "ws_token"} & set(configs[0]["api_server"])
    assert not {"key", "secret"} & set(configs[0]["exchange"])
    assert read_facts(settings, "a") == facts[0]


def test_gated_puts_the_gate_before_the_users_file_and_leaves_that_alone(tmp_path, strategy):
    facts = create(Settings(home=tmp_path / "home"), FreqtradePlan("g", strategy, gated=True))
    folder = facts.folder / "strategies"

    assert facts.strategy == "AlwaysGated"
    assert (folder / "always.py").read_text() == strategy.read_text()
    assert "class AlwaysGated(WorkbenchGate, Always)" in (folder / "always_gated.py").read_text()
    imported = {line for line in (folder / "workbench_gate.py").read_text().splitlines() if "import" in line[:7]}
    assert not any("workbench" in line for line in imported)  # standard library only


@pytest.mark.parametrize("name", ["", "../out", "1st", "trend", "a b"])
def test_a_name_that_cannot_be_one_is_refused_and_leaves_nothing(tmp_path, strategy, name):
    with pytest.raises(StartError):
        create(Settings(home=tmp_path / "home"), FreqtradePlan(name, strategy))

    assert not list((tmp_path / "home").rglob("config.json"))


@pytest.mark.parametrize("text", ["x = 1", "class A(IStrategy): ...\nclass B(IStrategy): ...", "def ("])
def test_a_file_that_holds_no_one_strategy_is_refused(tmp_path, text):
    (tmp_path / "s.py").write_text(text)

    with pytest.raises(StartError):
        create(Settings(home=tmp_path / "home"), FreqtradePlan("a", tmp_path / "s.py"))


def test_up_with_one_plays_the_replay_now(tmp_path, strategy):
    settings = Settings(home=tmp_path / "home")
    create(settings, FreqtradePlan("a", strategy))

    assert settings_for(settings, ["a"]).exchange.rebase_now
    assert settings_for(settings, []) is settings
    with pytest.raises(StartError, match="made here: a"):
        settings_for(settings, ["b"])


def test_other_pins_have_another_folder_and_a_half_made_one_does_not_count(tmp_path, monkeypatch):
    before = env_folder(tmp_path)
    (before / "bin").mkdir(parents=True)
    (before / "bin" / "python").touch()
    pins = tmp_path / "pins.txt"
    pins.write_text("freqtrade==1\n")
    monkeypatch.setattr(freqtrade_env, "PINS", pins)

    assert env_folder(tmp_path) != before
    monkeypatch.undo()
    assert freqtrade_python(tmp_path) is None


def test_two_at_once_install_it_once(tmp_path):
    """With pins of one small package, from an index that is a folder here."""
    code = textwrap.dedent(
        f"""
        import sys
        from pathlib import Path
        from workbench.bootstrap import freqtrade_env as env
        folder, log = Path({str(tmp_path)!r}), Path({str(tmp_path / "runs")!r})
        def run(argv):
            with log.open("a") as file:
                file.write("run\\n")
            if "venv" in argv:
                (Path(argv[-1]) / "bin").mkdir(parents=True)
                (Path(argv[-1]) / "bin" / "python").touch()
            import time; time.sleep(0.3)
        env._run = run
        print(env.ensure_freqtrade(cache=folder))
        """
    )
    both = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=os.environ)
        for _ in range(2)
    ]
    said = {child.communicate(timeout=60)[0].strip() for child in both}

    assert [child.returncode for child in both] == [0, 0]
    assert len(said) == 1
    assert (tmp_path / "runs").read_text().count("run") == 3  # made, filled and tried: once


def test_nothing_of_freqtrade_is_imported():
    for path in (Path(freqtrade_env.__file__).parents[1]).rglob("*.py"):
        text = path.read_text()
        assert "\nimport freqtrade" not in text, path
        assert "\nfrom freqtrade" not in text, path
