"""The past on a page: what a browser asks for is checked, what it gets is the table."""

import numpy as np
import pytest

from workbench.domain.errors import ValueRefused
from workbench.market import sample
from workbench.widgets.history_panel import HistoryPanel


@pytest.fixture
def panel(monkeypatch):
    made = HistoryPanel(sample.load("BTC/USD").iloc[:5000], "BTC/USD", "30m")
    made.told = []
    monkeypatch.setattr(made, "send", lambda *said: made.told.append(said))
    return made


def test_what_is_in_sight_is_told_as_bytes(panel):
    first, last = panel.history["from"], panel.history["to"]

    panel._hear(panel, {"kind": "look", "ask": 4, "from": first, "to": last, "most": 200}, [])

    ((about, (rows,)),) = panel.told
    table = np.frombuffer(rows, "<f8").reshape(-1, 6)
    assert (about["kind"], about["ask"], about["step"]) == ("bars", 4, about["merged"] * 1_800_000)
    assert about["trades"] == about["crowds"] == []  # nobody traded
    assert len(table) <= 201
    assert table[:, 2].max() == panel.candles["high"].max()
    assert table[:, 3].min() == panel.candles["low"].min()


@pytest.mark.parametrize("wrong", [{"from": None}, {"to": float("nan")}, {"most": "many"}, {"kind": "draw"}])
def test_nonsense_is_not_answered(panel, wrong):
    panel._hear(panel, {"kind": "look", "ask": 1, "from": 0, "to": 1, "most": 99} | wrong, [])
    panel._hear(panel, "look", [])

    assert panel.told == []


def test_a_table_without_bars_is_refused():
    with pytest.raises(ValueRefused, match="no bar to show"):
        HistoryPanel(sample.load("BTC/USD").iloc[:0], "BTC/USD", "30m")
