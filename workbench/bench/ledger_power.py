"""Power losses, simulated on the file operations of a real run.

A power loss at any point of a recorded run leaves what was synced, and of the rest what chance leaves: nothing,
everything, some writes and not others, or writes torn within their sectors. The real ledger then opens what is left,
and everything that was acknowledged before that point must be in it.
"""

import multiprocessing
import os
import pickle
import random
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from workbench.bench.sqlite_recorder import Op, Recorder
from workbench.domain.errors import LedgerError
from workbench.domain.events import Event, NewEvent
from workbench.ledger.log import SqlLedger
from workbench.ledger.sqlite import SqliteBackend

SECTOR = 512
EVERY_NTH = {"full": 1, "mixed": 4, "normal": 0}  # which appends are durable; "normal" is the control: none is


@dataclass
class Outcome:
    """What `losses` power losses did. lost: acknowledged events missing afterwards. damaged: ledgers that could not be
    opened, failed their check, had a hole, or an event that was not as appended. hurt: losses that lost something."""

    losses: int = 0
    lost: int = 0
    damaged: int = 0
    hurt: int = 0
    words: list[str] = field(default_factory=list)


def simulate(manner: str, losses: int, events: int = 700, seed: int = 1) -> Outcome:
    """Record a run of `events` appends in a process of its own, then lose power `losses` times along it."""
    rng, outcome = random.Random(seed), Outcome()
    with tempfile.TemporaryDirectory(dir=_quick_folder()) as folder:
        trace = record(Path(folder), manner, events)
        first = next(at for at, op in enumerate(trace) if op[0] == "acked")
        moments = sorted(rng.randrange(first, len(trace)) for _ in range(losses))
        for number, (left, acked) in enumerate(_crashes(trace, moments, rng)):
            place = Path(folder) / f"loss-{number}"
            place.mkdir()
            for name, content in left.items():
                (place / Path(name).name).write_bytes(content)
            _examine(place / "ledger.sqlite", acked, outcome)
    return outcome


def record(folder: Path, manner: str, events: int) -> list[Op]:
    """The trace of a run. Raises RuntimeError where the recorder did not see what it must."""
    context = multiprocessing.get_context("spawn")  # the recorder stays for the life of its process
    run = context.Process(target=_run, args=(str(folder), manner, events))
    run.start()
    run.join()
    trace = pickle.loads((folder / "trace").read_bytes()) if run.exitcode == 0 else []
    seen = {op[0] for op in trace}
    if not {"write", "sync", "acked"} <= seen:
        raise RuntimeError(f"the recorder saw only {sorted(seen)} of a run that ended with {run.exitcode}")
    return trace


def _run(folder: str, manner: str, events: int) -> None:
    recorder = Recorder()
    ledger = SqlLedger(SqliteBackend(Path(folder) / "ledger.sqlite"))
    nth = EVERY_NTH[manner]
    for number in range(events):
        durable = bool(nth) and number % nth == 0
        ledger.append([_event(number)], durable=durable)
        if durable or not nth:
            recorder.trace.append(("acked", number))
    (Path(folder) / "trace").write_bytes(pickle.dumps(recorder.trace))
    os._exit(0)  # as a crash would: and the library must not call into an interpreter that is being taken down


def _event(number: int) -> NewEvent:
    at = datetime.fromtimestamp(1_700_000_000 + number, UTC)
    return NewEvent("power", "bench", {"number": number, "fill": "x" * (number * 37 % 3000)}, f"p{number}", at)


class Disk:
    """Files as they are on the platter, and what was written since without a sync.

    SQLite syncs the folder together with the first sync of a file it has created, and with a deletion where it says so.
    """

    def __init__(self) -> None:
        self.durable: dict[str, bytearray] = {}
        self.pending: dict[str, list[Op]] = {}

    def apply(self, op: Op) -> None:
        what, path = op[0], op[1]
        if what == "acked":
            return
        if what != "sync":
            self.pending.setdefault(path, []).append(op)
        if what == "sync":
            done = self.pending.pop(path, [])
            for waiting in done:
                _perform(self.durable, waiting)
            if done and done[0][0] == "create":
                self._sync_folder()
        elif what == "delete" and op[2]:
            self._sync_folder()

    def _sync_folder(self) -> None:
        for path in [path for path, waiting in self.pending.items() if waiting[-1][0] == "delete"]:
            del self.pending[path]
            self.durable.pop(path, None)

    def lose_power(self, rng: random.Random) -> dict[str, bytes]:
        """What the files hold when power is back."""
        left = {path: bytearray(content) for path, content in self.durable.items()}
        survives = rng.choice((_none, _all, _some, _torn))
        for waiting in self.pending.values():
            for op in survives(waiting, rng):
                _perform(left, op)
        return {path: bytes(content) for path, content in left.items()}


def _perform(files: dict[str, bytearray], op: Op) -> None:
    what, path = op[0], op[1]
    if what == "delete":
        files.pop(path, None)
        return
    content = files.setdefault(path, bytearray())
    if what == "truncate":
        del content[op[2] :]
        content.extend(bytes(op[2] - len(content)))
    elif what == "write":
        offset, data = op[2], op[3]
        content.extend(bytes(max(0, offset - len(content))))
        content[offset : offset + len(data)] = data


def _none(waiting: list[Op], rng: random.Random) -> Iterable[Op]:
    return ()


def _all(waiting: list[Op], rng: random.Random) -> Iterable[Op]:
    return waiting


def _some(waiting: list[Op], rng: random.Random) -> Iterable[Op]:
    return [op for op in waiting if rng.random() < 0.5]


def _torn(waiting: list[Op], rng: random.Random) -> Iterator[Op]:
    """Each sector of each write by chance; what is no write, by chance too."""
    for op in waiting:
        if op[0] != "write":
            yield from [op] * (rng.random() < 0.5)
            continue
        _, path, offset, data = op
        for start in range(0, len(data), SECTOR):
            if rng.random() < 0.5:
                yield ("write", path, offset + start, data[start : start + SECTOR])


def _crashes(trace: list[Op], moments: list[int], rng: random.Random) -> Iterator[tuple[dict[str, bytes], int]]:
    """At each of the rising `moments`: the files left, and how many appends had been acknowledged (the last number)."""
    disk, acked, at = Disk(), -1, 0
    for moment in moments:
        for op in trace[at:moment]:
            disk.apply(op)
            acked = op[1] if op[0] == "acked" else acked
        at = moment
        yield disk.lose_power(rng), acked


def _examine(path: Path, acked: int, outcome: Outcome) -> None:
    outcome.losses += 1
    try:
        found = _whole(path)
    except LedgerError as error:
        outcome.damaged += 1
        outcome.words.append(str(error))
        return
    # everything up to the last acknowledged one must be there, what was appended cheaply before it included
    missing = acked + 1 - len(found)
    outcome.lost += max(0, missing)
    outcome.hurt += missing > 0


def _whole(path: Path) -> list[Event]:
    """The events of a ledger that is in order; LedgerError for one that is not."""
    ledger = SqlLedger(SqliteBackend(path))  # not open_ledger: it would warn of the folder in memory each time
    try:
        found = ledger.read(limit=1_000_000)
        for number, event in enumerate(found):
            expected = _event(number)
            if (event.seq, event.event_id, event.payload) != (number + 1, expected.event_id, expected.payload):
                raise LedgerError(f"event {event.seq} is {event.event_id}, expected {expected.event_id}")
        ledger.check()
        ledger.append([_event(len(found))])
        return found
    finally:
        ledger.close()


def _quick_folder() -> str | None:
    """Memory, where the system has it: the simulation decides what survives, not this machine's disk."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None
