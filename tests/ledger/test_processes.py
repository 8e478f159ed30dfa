"""Real processes on one ledger: killed, frozen, all at once. `workbench bench ledger` runs the full counts."""

import pytest

from workbench.bench.ledger import latencies
from workbench.bench.ledger_processes import crowd, kill_writers, switch_desks
from workbench.ledger.log import open_ledger

KILLS = 12
SWITCHES = 6


def test_eight_writers_and_a_follower_that_misses_nothing(ledger_url):
    seen = crowd(ledger_url, writers=8, each=40)

    assert (seen.lost, seen.repeated, seen.disordered) == (0, 0, 0)


def test_eight_cheap_writers_and_a_follower_that_misses_nothing(ledger_url):
    seen = crowd(ledger_url, writers=8, each=60, durable=False)

    assert (seen.lost, seen.repeated, seen.disordered) == (0, 0, 0)


def test_nothing_acknowledged_is_lost_when_writers_are_killed(ledger_url):
    found = kill_writers(ledger_url, KILLS)

    assert found.kills == KILLS
    assert found.acked > KILLS
    assert found.lost == 0


def test_two_desks_never_act_under_an_old_token(ledger_url):
    found = switch_desks(ledger_url, SWITCHES)

    assert found.switches == SWITCHES
    assert found.effects > 0
    assert (found.under_old_token, found.more_than_once, found.untrue_outcomes) == (0, 0, 0)


def test_the_benchmark_measures_from_append_to_seen(ledger_url):
    found = latencies(ledger_url, events=30)

    assert 0 < found["p50_ms"] <= found["p99_ms"]
    assert 0 < found["p50_full_ms"] <= found["p99_full_ms"]


@pytest.mark.postgres
def test_a_server_killed_outright_keeps_what_it_acknowledged():
    from tests.ledger.builders import events
    from tests.support import needs
    from tests.support.postgres import server

    if not needs.postgres():
        pytest.skip("no PostgreSQL server program here (looked for postgres); install the package postgresql")
    with server() as running:
        url = running.new_ledger()
        ledger = open_ledger(url)
        ledger.append(events(50))
        running.stop("immediate")
        running.start()
        ledger.append(events(60))  # the old connection is replaced by itself
        found = ledger.read()
        ledger.close()

    assert [event.event_id for event in found] == [f"e{number}" for number in range(60)]
    assert ledger.caveats == ()
