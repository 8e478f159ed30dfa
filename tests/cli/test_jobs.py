"""`workbench jobs`: what it prints, and the exit status that cron, systemd or Airflow see."""

import json

import pytest

from workbench import cli

TOML = '[[jobs]]\nname = "brief"\nnotebook = "nowhere.ipynb"\ncron = "0 7 * * *"\nzone = "Europe/Berlin"\n'


@pytest.fixture
def desk(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "workbench.toml").write_text(TOML)
    return tmp_path


def test_jobs_are_listed_with_when_and_how_they_went(desk, capsys):
    assert cli.main(["jobs", "list", "--json"]) == 0
    (job,) = json.loads(capsys.readouterr().out)

    assert (job["name"], job["cron"], job["zone"], job["last"]) == ("brief", "0 7 * * *", "Europe/Berlin", None)
    assert job["next"].endswith("+00:00")


def test_without_jobs_the_list_says_how_to_set_one(desk, capsys):
    (desk / "workbench.toml").write_text("")

    assert cli.main(["jobs", "list"]) == 0
    assert "write [[jobs]] in workbench.toml" in capsys.readouterr().err


def test_a_run_that_fails_is_status_1_with_its_reason_on_one_line(desk, capsys):
    assert cli.main(["jobs", "run", "brief", "--json"]) == 1
    said = capsys.readouterr()

    assert json.loads(said.out)["state"] == "broken"
    assert said.err.startswith("workbench: brief broken: job brief: there is no notebook")
    assert said.err.count("\n") == 1


def test_for_one_due_time_it_runs_once(desk, capsys):
    for _ in range(2):
        assert cli.main(["jobs", "run", "brief", "--due", "2026-11-30T07:00Z"]) == 1
    assert cli.main(["ask", "/report brief", "--json"]) == 0

    reply = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert len(reply["parts"][0]["rows"]) == 1


def test_an_unknown_job_is_status_1_with_the_near_name(desk, capsys):
    assert cli.main(["jobs", "run", "brie"]) == 1
    assert "did you mean brief?" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["jobs"], ["jobs", "fly"], ["jobs", "run"], ["jobs", "run", "brief", "--due", "07:00"]]
)
def test_a_wrong_line_is_status_2(desk, words):
    with pytest.raises(SystemExit) as left:
        cli.main(words)

    assert left.value.code == 2
