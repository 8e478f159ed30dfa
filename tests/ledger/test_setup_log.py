"""Tracked setups in the ledger: armed once, each stage told once by whoever sees it, the same for every reader."""

from datetime import timedelta

import pytest

from tests.support.drawn import BOARD, START, anchor
from workbench.domain.drawings import Board, TrendLine
from workbench.domain.errors import ValueRefused
from workbench.domain.setups import TrackedSetup, setup_from, setup_json
from workbench.ledger.setup_log import SetupLog

HOUR = timedelta(hours=1)
SETUP = TrackedSetup("s1", BOARD, "breakout", START)


def test_every_process_tells_the_same_and_each_change_once(ledger, second):
    one, other = SetupLog(ledger), SetupLog(second)

    assert one.arm(SETUP)
    assert not other.arm(SETUP)
    assert other.change(SETUP, START + HOUR, "triggered", {"price": 1.0, "words": "closed beyond 1"})
    assert not one.change(SETUP, START + HOUR, "triggered", {"price": 1.0, "words": "closed beyond 1"})

    (record,) = one.records()
    assert (record.setup, record.stage, record.over) == (SETUP, "triggered", False)
    assert record.told[0]["words"] == "breakout up on BTC/USD 1h is triggered: closed beyond 1"
    assert other.records("ana", "BTC/USD") == [record]
    assert other.records("eve") == other.records(symbol="ETH/USD") == []


def test_the_same_id_of_another_author_is_another_setup(ledger):
    log, theirs = SetupLog(ledger), TrackedSetup("s1", Board("eve", "BTC/USD", BOARD.timeframe), "retest", START, -1)

    assert log.arm(SETUP)
    assert log.arm(theirs)

    assert [record.setup for record in log.records()] == [SETUP, theirs]


def test_a_setup_can_be_dropped(ledger):
    log = SetupLog(ledger)
    log.arm(SETUP)

    log.drop(SETUP, START + HOUR)

    assert log.records()[0].over


def test_json_gives_back_what_it_was_given():
    line = TrendLine(anchor(1, 10.0), anchor(5, 20.0), extended=True)
    for setup in (SETUP, TrackedSetup("x", BOARD, "line", START, -1, line)):
        assert setup_from(setup_json(setup)) == setup


@pytest.mark.parametrize(("kind", "side"), [("hope", 1), ("breakout", 0)])
def test_what_is_no_setup_is_refused(kind, side):
    with pytest.raises(ValueRefused, match="one of breakout, retest, range, line"):
        TrackedSetup("x", BOARD, kind, START, side)
