"""Two thousand random histories of commands: sent twice, delivered late, desks that die or sleep between receiving,
acting and recording. However it goes, no effect happens twice, and what the ledger says happened is what happened."""

import random
from collections import Counter
from pathlib import Path

import pytest

from tests.ledger.builders import TTL, command, expire
from workbench.domain.errors import LeaseLost
from workbench.ledger.log import SqlLedger, open_ledger
from workbench.ledger.sqlite import SqliteBackend

HISTORIES = {"sqlite": 2000, "postgresql": 150}
DESKS = COMMANDS = 3


class World:
    """Where effects happen. It obeys whoever carries the newest token it has seen, as bots do, and does not look at
    command ids: only the ledger stands between a command and its second execution."""

    def __init__(self):
        self.effects, self.newest = Counter(), 0

    def greet(self, token):
        self.newest = max(self.newest, token)

    def act(self, command_id, token):
        if token < self.newest:
            return False
        self.greet(token)
        self.effects[command_id] += 1
        return True


class Desk:
    """One executor, with its memory between steps. Every step may be its last."""

    def __init__(self, ledger, world, name):
        self.ledger, self.world, self.name = ledger, world, name
        self.crash()

    def crash(self):
        self.lease = self.taken = self.done = None

    def acquire(self):
        if self.lease is None and (lease := self.ledger.acquire("desk", self.name, TTL)):
            self.lease = lease
            self.world.greet(lease.token)
            self.recover()

    def recover(self):
        for record in self.ledger.recover(self.lease):
            happened = self.world.effects[record.command.command_id] > 0  # asked of the venue by id, never sent again
            self.ledger.settle(self.lease, record.command.command_id, happened, {})

    def take(self):
        if self.lease and self.taken is None:
            self.taken = self.ledger.take(self.lease)

    def act(self):
        if self.taken and self.done is None:
            self.done = self.world.act(self.taken.command_id, self.lease.token)

    def finish(self):
        if self.taken and self.done is not None:
            self.ledger.finish(self.lease, self.taken.command_id, self.done, {})
            self.taken = self.done = None

    def do(self, step):
        try:
            getattr(self, step)()
        except LeaseLost:
            self.crash()  # it stops itself


STEPS = [*["submit"] * 4, *["acquire"] * 2, *["take"] * 3, *["act"] * 3, *["finish"] * 3, "crash", "expire"]


def random_history(seed):
    """Up to 40 steps of (what, which desk or command), from nothing but `seed`."""
    rng = random.Random(seed)
    return [(rng.choice(STEPS), rng.randrange(DESKS)) for _ in range(rng.randrange(40))]


def play(ledger, history, prefix):
    """One history, then every desk but one falls silent and the last one clears up."""
    world, names = World(), [f"{prefix}{n}" for n in range(COMMANDS)]
    desks = [Desk(ledger, world, f"{prefix}desk{n}") for n in range(DESKS)]
    world.greet(newest_token(ledger))
    for step, which in history:
        if step == "submit":
            ledger.submit(command(names[which]))
        elif step == "expire":
            expire(ledger)
        else:
            desks[which].do(step)
    expire(ledger)
    last = Desk(ledger, world, f"{prefix}last")
    last.do("acquire")
    while last.take() or last.taken:
        last.act()
        last.finish()
    for late in desks:  # the sleepers wake up with what they had in hand
        for step in ("act", "finish"):
            late.do(step)
    ledger.release(last.lease)
    return world, {name: record for name in names if (record := ledger.command(name))}


def newest_token(ledger):
    acquired = ledger.last(1, kinds=["lease.acquired"])
    return acquired[0].payload["token"] if acquired else 0


@pytest.fixture
def quick_ledger(request, tmp_path):
    """SQLite in a folder in memory where there is one: two thousand histories, and no disk to wait for."""
    if request.param == "postgresql":
        ledger = open_ledger(request.getfixturevalue("postgres_server").new_ledger())
        yield ledger
        ledger.close()
        return
    memory = Path("/dev/shm") / f"workbench-{tmp_path.name}-{id(request)}.sqlite"
    path = memory if memory.parent.is_dir() else tmp_path / "ledger.sqlite"
    ledger = SqlLedger(SqliteBackend(path))
    yield ledger
    ledger.close()
    for left in path.parent.glob(path.name + "*"):
        left.unlink()


@pytest.mark.slow
@pytest.mark.parametrize(
    "quick_ledger", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True
)
def test_no_effect_happens_twice_and_outcomes_are_true(quick_ledger, request):
    effects, states = Counter(), Counter()
    for seed in range(histories := HISTORIES[request.node.callspec.params["quick_ledger"]]):
        history = random_history(seed)

        world, records = play(quick_ledger, history, f"h{seed}-")

        assert max(world.effects.values(), default=0) <= 1, (seed, history)
        for name, record in records.items():
            assert (record.state == "done") == (world.effects[name] == 1), (seed, history, record)
        effects.update(world.effects.values())
        states.update(record.state for record in records.values())

    # the histories were worth playing: many commands took effect, some were cut off before theirs, none is left open
    assert effects[1] > histories
    assert set(states) == {"done", "failed"}
