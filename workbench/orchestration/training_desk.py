"""The joint model trained again and again: when it is due, in a process of its own, one at a time, ended clearly.

What the process does is `/model train`, as a person would ask for it: a champion is replaced only by what was better on
later data, and everybody hears of it. Whether it ends well, fails, is killed or takes too long, an event says so.
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any
from uuid import uuid4

import orjson
import structlog

from workbench.domain.desk import MarketClock
from workbench.domain.events import Event, NewEvent
from workbench.domain.market import Timeframe
from workbench.ledger.log import SqlLedger
from workbench.ledger.secret_names import environment_for
from workbench.orchestration.command_center import UnifiedCommandCenter
from workbench.orchestration.intelligence_sharing import world_of
from workbench.orchestration.plain_text import plain
from workbench.orchestration.rounds import Rounds
from workbench.orchestration.sync_topics import TRAINING_ENDED
from workbench.settings import LearningSettings, Settings

log = structlog.get_logger(__name__)
LOOK_S = 5.0
TRAINING_STARTED = "TrainingStarted"
TRAIN = (
    "-m",
    "workbench.bootstrap.tethered",
    "workbench",
    "ask",
    "/model train",
    "--json",
)  # tethered: it ends with us
REMEMBERED = 20
_ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}


class TrainingDesk:
    """Owned by the desk, for one term of office. `start` begins, `stop` kills what is under way; `step` is one look.

    arguments : what the process is called with, after the interpreter.
    """

    def __init__(self, center: UnifiedCommandCenter, ledger: SqlLedger, arguments: Sequence[str] = TRAIN):
        self._center, self._ledger, self._arguments = center, ledger, tuple(arguments)
        self._settings = center.settings.learning
        self._rounds = Rounds(self.step, LOOK_S, "training_not_looked_at", "training_round_failed")
        self._rested_from = monotonic()

    def start(self) -> None:
        self._rounds.start()

    async def stop(self) -> None:
        await self._rounds.stop()

    async def step(self) -> None:
        """End in the ledger what died with an earlier desk; train, to the end, if it is due. Raises LedgerError."""
        known = await asyncio.to_thread(self._ledger.last, REMEMBERED, [TRAINING_STARTED, TRAINING_ENDED])
        for started in left_open(known):
            await self._tell_end(started.payload["training"], "lost", "it ended with the desk that had begun it")
        market = await self._center.read_clock() if self._settings.train else None
        rested = monotonic() - self._rested_from >= self._settings.rest_s
        if market is not None and rested and due(known, market, self._settings):
            await self._train(market)

    async def _train(self, market: MarketClock) -> None:
        training = uuid4().hex
        facts = {"training": training, "world": world_of(market), "market_time": market.market_time.isoformat()}
        begun = NewEvent(TRAINING_STARTED, "desk", facts, f"training:{training}", datetime.now(UTC))
        await asyncio.to_thread(self._ledger.append, [begun])
        outcome, words = "stopped", "the desk stopped while it was under way"
        try:
            outcome, words = await run_training(self._arguments, self._center.settings)
        finally:
            self._rested_from = monotonic()
            await asyncio.shield(self._tell_end(training, outcome, words))

    async def _tell_end(self, training: str, outcome: str, words: str) -> None:
        log.info("training_ended", outcome=outcome, words=words)
        facts = {"training": training, "outcome": outcome, "words": f"training {outcome}: {words}"}
        event = NewEvent(TRAINING_ENDED, "desk", facts, f"training-ended:{training}", datetime.now(UTC))
        await asyncio.to_thread(self._ledger.append, [event])


async def run_training(arguments: Sequence[str], settings: Settings) -> tuple[str, str]:
    """(how it ended, in words) of one process; it does not outlive this call. done, failed, killed or timed out."""
    own = {"WORKBENCH_HOME": str(settings.home.resolve())}
    own |= {"WORKBENCH_LEDGER": settings.ledger} if settings.ledger else {}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**environment_for(os.environ, named=settings.secret_variables), **_ONE_THREAD, **own},
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(settings.learning.time_limit_s):
            said, complaint = await _until_end(process)
    except TimeoutError:
        return "timed out", f"it did not end within {settings.learning.time_limit_s:g} s"
    finally:
        if process.returncode is None:  # only then: to signal a process is to reap it, behind asyncio's back
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return _told(process.returncode or 0, said, complaint)


def due(known: Sequence[Event], market: MarketClock, settings: LearningSettings) -> bool:
    """Whether so much of this market's time has passed since the last training began, by TrainingStarted events."""
    began = [
        datetime.fromisoformat(event.payload["market_time"])
        for event in known
        if event.kind == TRAINING_STARTED and event.payload["world"] == world_of(market)
    ]
    return not began or market.market_time - max(began) >= timedelta(
        seconds=Timeframe.parse(settings.train_every).seconds
    )


def left_open(known: Sequence[Event]) -> list[Event]:
    """TrainingStarted events without a TrainingEnded."""
    ended = {event.payload["training"] for event in known if event.kind == TRAINING_ENDED}
    return [event for event in known if event.kind == TRAINING_STARTED and event.payload["training"] not in ended]


async def _until_end(process: asyncio.subprocess.Process) -> tuple[bytes, bytes]:
    """What it says and complains of until it has ended. Its standard input stays open, for its end would end it."""
    assert process.stdout
    assert process.stderr
    said, complaint, _ = await asyncio.gather(process.stdout.read(), process.stderr.read(), process.wait())
    return said, complaint


def _told(status: int, said: bytes, complaint: bytes) -> tuple[str, str]:
    if status < 0:
        return "killed", f"by signal {-status}"
    try:
        reply: Mapping[str, Any] = orjson.loads(said)
        words = str(reply.get("error") or reply.get("title") or "")
    except (orjson.JSONDecodeError, AttributeError):
        words = (complaint.decode(errors="replace").strip().splitlines() or ["it said nothing"])[-1]
    return "failed" if status else "done", plain(words, 300)
