"""Power losses, simulated on what SQLite really wrote and synced. `workbench bench ledger` runs 500."""

import random

import pytest

from workbench.bench.ledger_power import SECTOR, Disk, simulate

LOSSES = 40


@pytest.mark.parametrize("manner", ["full", "mixed"])
def test_nothing_acknowledged_is_lost_with_the_power(manner):
    outcome = simulate(manner, LOSSES, events=300)

    assert outcome.losses == LOSSES
    assert (outcome.lost, outcome.damaged) == (0, 0), outcome.words


def test_without_waiting_for_the_disk_some_is_lost_but_nothing_is_damaged():
    """The control: were nothing lost here, the simulation would prove nothing above."""
    outcome = simulate("normal", LOSSES, events=300)

    assert outcome.lost > 0
    assert outcome.damaged == 0, outcome.words


# --- the simulated disk itself ---------------------------------------------------------------------------------------


def disk(*ops):
    made = Disk()
    for op in ops:
        made.apply(op)
    return made


def losses(made, count=200):
    return [made.lose_power(random.Random(seed)) for seed in range(count)]


def test_what_was_synced_survives_always():
    made = disk(("create", "f"), ("write", "f", 0, b"abc"), ("sync", "f"), ("acked", 0))

    assert all(left == {"f": b"abc"} for left in losses(made))


def test_what_was_not_synced_survives_sometimes():
    made = disk(("write", "f", 0, b"old"), ("sync", "f"), ("write", "f", 0, b"new"))

    assert {left["f"] for left in losses(made)} == {b"old", b"new"}


def test_a_write_may_be_torn_between_its_sectors_only():
    made = disk(("write", "f", 0, b"a" * 2 * SECTOR), ("sync", "f"), ("write", "f", 0, b"b" * 2 * SECTOR))

    halves = {(left["f"][:SECTOR], left["f"][SECTOR:]) for left in losses(made)}

    assert len(halves) == 4
    assert all(len(set(half)) == 1 for pair in halves for half in pair)


def test_a_deletion_may_be_forgotten_until_the_folder_is_synced():
    begun = [("write", "journal", 0, b"j"), ("sync", "journal"), ("delete", "journal", False)]
    forgotten = disk(*begun)
    settled = disk(*begun, ("create", "wal"), ("write", "wal", 0, b"w"), ("sync", "wal"))

    assert {"journal" in left for left in losses(forgotten)} == {True, False}
    assert not any("journal" in left for left in losses(settled))
