"""Scores from files and plug-ins: read strictly, each fault named with its row."""

import sys
from datetime import UTC, datetime

import pytest

from workbench.domain.errors import SettingsError
from workbench.market.score_sources import load_rows

CSV = """symbol,known_at,value,comment
BTC/USD,2024-05-02T09:00:00+02:00,0.5,late
BTC/USD,2024-05-01T00:00:00Z,-1,
DOGE/USD,2024-05-01T00:00:00Z,1,
"""


def write(tmp_path, text):
    path = tmp_path / "mood.csv"
    path.write_text(text)
    return {"mood": path}


def test_a_file_is_read_in_order_of_when_it_was_known(tmp_path):
    found = load_rows(write(tmp_path, CSV), ["BTC/USD", "ETH/USD"])

    assert found["mood"] == {
        "BTC/USD": [
            ("BTC/USD", datetime(2024, 5, 1, tzinfo=UTC), -1.0),
            ("BTC/USD", datetime(2024, 5, 2, 7, tzinfo=UTC), 0.5),
        ]
    }


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("symbol,value\nBTC/USD,1\n", "no column 'known_at'"),
        ("symbol,known_at,value\nBTC/USD,2024-05-01T00:00:00,1\n", "row 2.*no zone"),
        ("symbol,known_at,value\nBTC/USD,2024-05-01T00:00:00Z,nan\n", "row 2.*no finite number"),
        ("symbol,known_at,value\nBTC/USD,soon,1\n", "row 2.*ISO time"),
        ("symbol,known_at,value\nBTC/USD,2024-05-01T00:00:00Z,\n", "row 2"),
    ],
)
def test_a_fault_is_named_with_its_row(tmp_path, text, why):
    with pytest.raises(SettingsError, match=why):
        load_rows(write(tmp_path, text), ["BTC/USD"])


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SettingsError, match=r"'mood'.*cannot be read"):
        load_rows({"mood": tmp_path / "no.csv"}, ["BTC/USD"])


PLUGIN = """
from datetime import datetime, timezone
def mood(symbols):
    return [(s, datetime(2024, 5, 1, tzinfo=timezone.utc), 0.25) for s in symbols]
def broken(symbols):
    raise RuntimeError("no network")
"""


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """A package that brings sources of scores, as pip would have installed it."""
    (tmp_path / "moody.py").write_text(PLUGIN)
    info = tmp_path / "moody-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: moody\nVersion: 1.0\n")

    def install(entry):
        (info / "entry_points.txt").write_text(f"[workbench.scores]\n{entry}\n")
        monkeypatch.syspath_prepend(str(tmp_path))

    yield install
    sys.modules.pop("moody", None)


def test_a_plug_in_is_found_and_asked(plugin):
    plugin("mood = moody:mood")

    assert load_rows({}, ["BTC/USD"])["mood"]["BTC/USD"][0][2] == 0.25


def test_a_plug_in_that_fails_is_named(plugin):
    plugin("bad = moody:broken")

    with pytest.raises(SettingsError, match="'bad': the plug-in failed: RuntimeError: no network"):
        load_rows({}, ["BTC/USD"])


def test_two_sources_of_one_name_are_refused(plugin, tmp_path):
    plugin("mood = moody:mood")

    with pytest.raises(SettingsError, match="two sources"):
        load_rows(write(tmp_path, CSV), ["BTC/USD"])
