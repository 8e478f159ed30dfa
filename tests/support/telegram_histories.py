"""Random histories of updates: duplicated, reordered, redelivered, their processes dying between any two steps.

The real intake, gate and rules; a journal in memory that is the obvious twin of the one in the ledger, or that one
itself; effects that are counted. A process dies at its n-th step, before or after the step has happened.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from workbench.commands.spec import Kind, Parameter, Role, Spec
from workbench.integrations.telegram_buttons import signer_for
from workbench.integrations.telegram_gate import Gate, Heard, is_halt
from workbench.integrations.telegram_intake import Intake, Lane
from workbench.integrations.telegram_once import judged, may_repeat
from workbench.integrations.telegram_update import Form, Incoming
from workbench.ledger.telegram_journal import Journalled

START = datetime(2026, 7, 1, tzinfo=UTC)
ADMIN = 1
GATE = Gate("desk_bot", signer_for("1:a"), frozenset({ADMIN}))
_ID = Parameter("id", Kind.WORD, "id", needed=False, option=True)
SPECS = {
    "/pause": Spec(("pause",), "", "pause", (_ID,), True, Role.OPERATOR),
    "/once": Spec(("once",), "", "once", (), True, Role.OPERATOR),  # changes something and has no id to know it by
    "/halt": Spec(("halt",), "", "halt", (), True, Role.OPERATOR),
}


class Died(asyncio.CancelledError):
    """The process is gone."""


class MemoryJournal:
    """The journal as one would write it on paper."""

    def __init__(self):
        self.rows = {}

    def receive(self, bodies):
        fresh = [number for number in bodies if number not in self.rows]
        for number in fresh:
            self.rows[number] = {"body": bodies[number], "state": "received", "outcome": ""}
        return fresh

    def begin(self, update_id):
        row = self.rows.get(update_id)
        if row is None or row["state"] != "received":
            return False
        row["state"] = "begun"
        return True

    def finish(self, update_id, outcome):
        self.rows[update_id] |= {"state": "done", "outcome": outcome}

    def open(self):
        left = [(number, row) for number, row in self.rows.items() if row["state"] != "done"]
        return [Journalled(number, row["body"], row["state"] == "begun", START) for number, row in left]

    def outcome(self, update_id):
        row = self.rows.get(update_id, {"state": ""})
        return row["outcome"] if row["state"] == "done" else None


@dataclass
class World:
    """What outlives every process. `commands`: ids that are recorded; `acted`: ids that have acted, as the ledger and
    its executor keep them."""

    journal: object
    commands: set = field(default_factory=set)
    acted: set = field(default_factory=set)
    effects: Counter = field(default_factory=Counter)
    acknowledged: set = field(default_factory=set)


class Process:
    """One run of the chat surface, which lives for so many steps."""

    def __init__(self, world, now, lives, before):
        self.world, self.now, self.lives, self.before, self.dead = world, now, lives, before, False
        self.intake = Intake(self, self.act, self.lane, run=self.step)

    def lane(self, came):
        return Lane.URGENT if is_halt(came.said) else Lane.ORDERED

    async def step(self, call, *args):
        """One thing that is written down; the process may die just before it or just after."""
        await asyncio.sleep(0)
        if self.dead:
            raise Died
        self.lives -= 1
        if self.lives == 0:
            self.dead = True
            if not self.before:
                call(*args)
            raise Died
        return call(*args)

    def __getattr__(self, name):
        return getattr(self.world.journal, name)

    async def act(self, came, begun):
        world, number = self.world, came.update_id
        verdict = judged(GATE, came, self.now, begun and number in world.commands)
        if not isinstance(verdict, Heard):
            return f"turned: {verdict.why}"
        spec = SPECS[verdict.line.split()[0]]
        if begun and not may_repeat(spec):
            return "interrupted"
        if spec.words[0] == "once":
            await self.step(self.happen, number)
            return "done"
        await self.step(world.commands.add, number)
        await self.step(self.happen_once, number)
        return "done"

    def happen(self, number):
        self.world.effects[number] += 1

    def happen_once(self, number):
        """The executor acts once for each id, whoever asks: the ledger holds that, and its own histories show it."""
        if number not in self.world.acted:
            self.world.acted.add(number)
            self.world.effects[number] += 1

    async def live(self, batches):
        """Take up what is left, then what is delivered. What `accept` returned for is acknowledged."""
        try:
            await self.intake.recover()
            for batch in batches:
                await self.intake.accept(batch)
                self.world.acknowledged |= {each.update_id for each in batch}
                if self.dead:
                    break
            await self.intake.idle()
        except Died:
            pass
        await self.intake.stop()
        return not self.dead


async def history(rng, journal):
    """Play one; returns (world, updates). The last process does not die, so everything has ended by then."""
    world = World(journal)
    numbers = rng.sample(range(1, 10**6), rng.randint(1, 4))  # ids need not rise
    lines = {number: rng.choice(list(SPECS)) for number in numbers}
    updates = {n: Incoming(n, Form.WORDS, ADMIN, True, ADMIN, "Ann", f"{line} x", START) for n, line in lines.items()}
    now = START
    for lives in (*(rng.randint(1, 16) for _ in range(rng.randint(0, 3))), 0):
        left = [u for n, u in updates.items() if n not in world.acknowledged]
        again = [u for u in updates.values() if rng.random() < 0.3]
        some = left + again + (rng.sample(left, rng.randint(0, len(left))) if left else [])
        rng.shuffle(some)
        cut = rng.randint(0, len(some))
        await Process(world, now, lives or -1, rng.random() < 0.5).live([b for b in (some[:cut], some[cut:]) if b])
        now += timedelta(seconds=rng.choice((1, 20, 100)))
    return world, updates


def broken(world, updates):
    """Promises not kept, in words."""
    found = []
    for number, came in updates.items():
        effects, outcome, line = world.effects[number], world.journal.outcome(number), came.said.split()[0]
        if effects > 1:
            found.append(f"{line} acted {effects} times")
        if number in world.acknowledged and outcome is None:
            found.append(f"{line} was acknowledged and lost")
        if number in world.acknowledged and outcome == "done" and effects != 1:
            found.append(f"{line} is done and acted {effects} times")
        if line == "/halt" and effects != 1:
            found.append("a halt did not apply")
        if line == "/pause" and effects != (outcome == "done"):
            found.append(f"/pause acted {effects} times and was told {outcome!r}")
    return found
