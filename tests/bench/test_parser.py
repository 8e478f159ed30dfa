"""The fuzz bench counts what it says it counts."""

from random import Random

import pytest

from workbench.bench.parser import KNOWN, asked_for, fuzzed, tried
from workbench.commands.catalogue import CATALOGUE
from workbench.commands.grammar import parse
from workbench.commands.spec import Line


def test_twenty_thousand_fuzzed_lines_crash_nothing_and_change_nothing_by_accident():
    rng = Random(11)
    lines = [fuzzed(rng) for _ in range(20_000)]

    found = [(line, *tried(line)) for line in lines]

    assert [line for line, crashed, accident in found if crashed or accident] == []
    understood = 0
    for line in lines:
        try:
            understood += parse(line, CATALOGUE, KNOWN).spec.effect
        except Exception:
            continue
    assert understood > 100  # the fuzz does reach the commands that matter


@pytest.mark.parametrize("line", ["please /pause trend", "pause trend", "/pause", "/PAUSE breakout", "/pаuse trend"])
def test_an_accident_would_be_seen(line):
    spec = next(spec for spec in CATALOGUE if spec.name == "/pause")

    assert not asked_for(line, Line(spec, {"target": ("trend",)}))
    assert asked_for("/pause TREND", Line(spec, {"target": ("trend",)}))
