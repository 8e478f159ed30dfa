"""The front door: usage, exit status, one line for a failure."""

import pytest

from workbench import cli
from workbench.bench import NAMES


def test_no_command_is_wrong_usage_and_shows_the_commands(capsys):
    assert cli.main([]) == 2
    assert "doctor" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["fly"], ["bench", "nonsense"]])
def test_an_unknown_word_is_wrong_usage(words):
    with pytest.raises(SystemExit) as left:
        cli.main(words)

    assert left.value.code == 2


def test_benchmarks_are_listed(capsys):
    status = cli.main(["bench", "--list"])
    listed = capsys.readouterr().out

    assert status == 0
    assert all(name in listed for name in NAMES)
