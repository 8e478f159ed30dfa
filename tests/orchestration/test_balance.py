"""Whom to ask: simulated with a clock of our own, so that nothing depends on the machine."""

import heapq
import statistics
from random import Random

import pytest

from workbench.orchestration.balance import FAILURE_S, Load, choose


def simulate(service_s, pick, arrivals=4000, every_s=0.01, seed=1):
    """Requests arrive regularly; each bot works on one at a time. Returns mean latency and how many each got."""
    loads = {name: Load() for name in service_s}
    free_at, under_way, latencies, got = dict.fromkeys(service_s, 0.0), [], [], dict.fromkeys(service_s, 0)
    rng = Random(seed)
    for number in range(arrivals):
        now = number * every_s
        while under_way and under_way[0][0] <= now:
            ended, name, took = heapq.heappop(under_way)
            loads[name].end(took, True, ended)
        name = pick(list(service_s), loads, now, rng)
        loads[name].begin()
        free_at[name] = max(free_at[name], now) + service_s[name]
        heapq.heappush(under_way, (free_at[name], name, free_at[name] - now))
        latencies.append(free_at[name] - now)
        got[name] += 1
    return statistics.mean(latencies), got


def balanced(names, loads, now, rng):
    return choose(names, lambda name: loads[name].cost(now), rng)


def at_random(names, loads, now, rng):
    return rng.choice(names)


def in_turn(names, loads, now, rng):
    return names[round(now / 0.01) % len(names)]


@pytest.mark.parametrize("other", [at_random, in_turn])
def test_one_slow_bot_among_fast_ones_gets_little_work(other):
    service_s = {"slow": 0.2, "a": 0.02, "b": 0.02, "c": 0.02}

    ours, got = simulate(service_s, balanced)
    theirs, _ = simulate(service_s, other)

    assert ours < theirs / 10
    assert got["slow"] < 0.1 * sum(got.values())


def test_equal_bots_share_equally_and_wait_less_than_by_chance():
    service_s = dict.fromkeys("abcd", 0.03)

    ours, got = simulate(service_s, balanced)
    theirs, _ = simulate(service_s, at_random)

    assert ours < theirs
    assert max(got.values()) < 1.2 * min(got.values())


def test_failing_fast_does_not_attract_work():
    failing, working = Load(), Load()
    for load, took, ok in ((failing, 0.001, False), (working, 0.2, True)):
        load.begin()
        load.end(took, ok, now=0.0)

    assert failing.cost(0.1) > working.cost(0.1)
    assert failing.latency_s == FAILURE_S


def test_a_bot_that_was_slow_once_is_tried_again_later():
    slow, fast = Load(), Load()
    for load, took in ((slow, 5.0), (fast, 0.1)):
        load.begin()
        load.end(took, True, now=0.0)
    fast.begin()
    fast.end(0.1, True, now=60.0)

    assert slow.cost(1.0) > fast.cost(1.0)
    assert slow.cost(60.0) < fast.cost(60.0)


def test_work_under_way_counts():
    busy, idle = Load(latency_s=0.1, measured_at=0.0), Load(latency_s=0.1, measured_at=0.0)
    busy.begin()

    assert busy.cost(0.0) > idle.cost(0.0)


def test_a_single_bot_is_the_choice():
    assert choose(["only"], lambda name: 0.0, Random(1)) == "only"
