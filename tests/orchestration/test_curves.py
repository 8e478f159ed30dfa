"""Curves read in pieces are the curves read whole."""

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.domain.portfolio import EquityPoint
from workbench.orchestration import curves as module
from workbench.orchestration.curves import Curves

START = datetime(2019, 3, 1, tzinfo=UTC)
RUNS = count()


def point(step, equity=1.0):
    return EquityPoint(START + timedelta(minutes=30 * step), float(equity), "USD")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(1, 9)), max_size=15))
def test_pieces_and_whole_agree(ledger, steps):
    run_id = f"run-{next(RUNS)}"
    curves, at = Curves(ledger.tables), 0
    for forward, read, equity in steps:
        at += forward  # standing still writes the newest point again
        ledger.tables.record_equity(run_id, {"a": point(at, equity)})
        if read:
            curves.read(run_id, ["a", "nobody"])

    found = curves.read(run_id, ["a", "nobody"])

    whole = ledger.tables.equity(run_id, "a")
    assert found == ({"a": tuple(whole)} if whole else {})


def test_a_grown_curve_is_thinned(ledger, monkeypatch):
    monkeypatch.setattr(module, "MOST", 10)
    monkeypatch.setattr(module, "REREAD", 20)
    curves, most = Curves(ledger.tables), 0
    for step in range(60):
        ledger.tables.record_equity("run", {"a": point(step, step + 1)})
        most = max(most, len(curves.read("run", ["a"])["a"]))

    assert most <= 21
    assert curves.read("run", ["a"])["a"][-1] == point(59, 60)


def test_another_run_begins_afresh(ledger):
    curves = Curves(ledger.tables)
    ledger.tables.record_equity("one", {"a": point(5)})
    curves.read("one", ["a"])
    ledger.tables.record_equity("two", {"a": point(1)})

    assert curves.read("two", ["a"]) == {"a": (point(1),)}


@pytest.mark.parametrize("points", [4000])
def test_reading_on_costs_a_fraction_of_reading_anew(ledger, points):
    for first in range(0, points, 500):
        for step in range(first, first + 500, 100):
            ledger.tables.record_equity("run", {"a": point(step)})
    curves = Curves(ledger.tables)
    asked = []
    real = ledger.tables.equity
    ledger.tables.equity = lambda *args, **options: asked.append(options.get("since")) or real(*args, **options)

    curves.read("run", ["a"])
    curves.read("run", ["a"])

    assert asked == [None, point(points - 100).at]
