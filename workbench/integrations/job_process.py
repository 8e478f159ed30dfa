"""The process of one run, seen from outside: started, listened to, and ended with everything it has started."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import structlog

from workbench.domain.jobs import Fault, Outcome, RunState
from workbench.integrations.fault_of import fault_under
from workbench.integrations.scrub import Scrubber, secrets_of
from workbench.ledger.secret_names import environment_for

log = structlog.get_logger(__name__)
MODULE = "workbench.integrations.notebook_run"
MARK, SECRETS = "WORKBENCH_RUN", "WORKBENCH_RUN_SECRET_ENV"  # names of variables, not their values
START_S, GRACE_S, PAGE_S = 300.0, 3.0, 120.0
_ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
LONGEST_LINE = 2**20
Heard = Callable[[Outcome], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Order:
    """What to run. `folder` exists. `title` and `said` stand on the page: what it is, and of when."""

    notebook: Path
    parameters: Mapping[str, Any]
    folder: Path
    time_limit: float
    title: str
    said: str

    def to_json(self, mark: str, **more: Any) -> bytes:
        own = {**asdict(self), "notebook": str(self.notebook), "folder": str(self.folder)}
        return json.dumps({**own, "parameters": dict(self.parameters), "mark": mark, **more}).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the desk of the run is: its folder, and its ledger where that is elsewhere. `secrets`: variables that hold
    one whatever they are called."""

    home: Path
    ledger: str = ""
    secrets: tuple[str, ...] = ()

    def environment(self, mark: str) -> dict[str, str]:
        own = {"WORKBENCH_HOME": str(self.home.resolve()), MARK: mark, "JUPYTER_PREFER_ENV_PATH": "1"}
        own |= {"WORKBENCH_LEDGER": self.ledger} if self.ledger else {}
        own |= {SECRETS: ",".join(self.secrets)} if self.secrets else {}
        own |= {"PYDEVD_DISABLE_FILE_VALIDATION": "1", **_ONE_THREAD}
        return environment_for(os.environ, True, self.secrets) | own


async def run_notebook(order: Order, place: Place, heard: Heard) -> Outcome:
    """Run it to its end, whatever that is; nothing it started outlives it. Cancelling kills it.

    heard : told how it ended as soon as that is known, before the page is there.
    """
    process = _Process(order, place)
    try:
        await process.start()
        outcome = await process.outcome()
        await heard(outcome)
        words = await process.page()
    finally:
        await process.kill()
    if outcome.state in (RunState.KILLED, RunState.TIMED_OUT) and not (order.folder / "report.html").exists():
        words = await _page_afterwards(order, place, outcome)
    return replace(outcome, words=words)


async def _page_afterwards(order: Order, place: Place, outcome: Outcome) -> str:
    """The page of what was there when the run was killed, made by a fresh process."""
    process = _Process(order, place)
    try:
        await process.start(state=outcome.state.value, fault=asdict(outcome.fault or Fault("killed")))
        await process.outcome()
        return await process.page()
    finally:
        await process.kill()


class _Process:
    def __init__(self, order: Order, place: Place):
        self._order, self._place, self._mark = order, place, uuid4().hex
        self._process: asyncio.subprocess.Process | None = None
        self._errors: asyncio.Task[bytes] | None = None

    async def start(self, **more: Any) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", MODULE),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self._place.environment(self._mark),
            start_new_session=True,
            limit=LONGEST_LINE,
        )
        self._errors = asyncio.create_task(_tail(self._process.stderr))
        assert self._process.stdin
        self._process.stdin.write(self._order.to_json(self._mark, **more))
        with contextlib.suppress(ConnectionError):
            await self._process.stdin.drain()  # and left open: its end would end the run

    async def outcome(self) -> Outcome:
        """How it ended. The time limit is held here too, for a run that no longer listens."""
        try:
            said = await self._line({"began", "ended"}, START_S)
            if said and said["said"] == "began":
                said = await self._line({"ended"}, self._order.time_limit + GRACE_S)
        except TimeoutError:
            await self.kill()
            words = f"killed: it did not end within {self._order.time_limit:g} s, nor when it was interrupted then"
            return Outcome(RunState.TIMED_OUT, self._under(words))
        if said is None:
            return await self._died("its process died")
        fault = Fault(**said["fault"]) if said["fault"] else None
        return Outcome(RunState(said["state"]), fault, tuple((name, text) for name, text in said["figures"]))

    async def page(self) -> str:
        """Wait for the page; in words why there is none."""
        try:
            said = await self._line({"left"}, PAGE_S)
        except TimeoutError:
            return f"its page was not made within {PAGE_S:g} s"
        return said["words"] if said else "its page was not made"

    async def kill(self) -> None:
        """End the process, its kernel, and whatever carries its mark."""
        if self._process:
            alive = self._process.pid if self._process.returncode is None else None  # else the number may be another's
            await asyncio.to_thread(kill_marked, self._mark, alive)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(5):
                    await self._process.wait()
        if self._errors:
            self._errors.cancel()
            await asyncio.wait([self._errors])

    async def _line(self, kinds: set[str], within_s: float) -> dict[str, Any] | None:
        """The child's next word of one of these kinds; None where it has ended. Raises TimeoutError."""
        assert self._process
        output = self._process.stdout
        assert output
        ended = asyncio.create_task(self._process.wait())
        try:
            async with asyncio.timeout(within_s):
                while True:
                    reading = asyncio.create_task(_said(output, self._mark))
                    await asyncio.wait([reading, ended], return_when=asyncio.FIRST_COMPLETED)
                    if not reading.done():  # a kernel that outlives it may hold the pipe open
                        await asyncio.wait([reading], timeout=0.5)
                    if not reading.done():
                        reading.cancel()
                        return None
                    if (said := reading.result()) is None or said["said"] in kinds:
                        return said
        finally:
            ended.cancel()

    async def _died(self, words: str) -> Outcome:
        assert self._process
        assert self._errors
        code = await self._process.wait()
        how = f"killed by signal {-code}" if code < 0 else f"exit status {code}"
        last = ""
        if code >= 0:
            await asyncio.wait([self._errors], timeout=0.5)
            last = self._clean(self._errors.result()) if self._errors.done() else ""
        fault = self._under(f"{words} ({how})" + (f": {last}" if last else ""))
        return Outcome(RunState.KILLED if code < 0 else RunState.BROKEN, fault)

    def _under(self, words: str) -> Fault:
        try:
            notebook = json.loads((self._order.folder / "executed.ipynb").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return Fault(words)
        return fault_under(notebook, words)

    def _clean(self, errors: bytes) -> str:
        scrubber = Scrubber(secrets_of(None, self._place.home, self._place.ledger, named=self._place.secrets))
        lines = scrubber.clean(errors.decode(errors="replace")).strip().splitlines()
        return lines[-1][:300] if lines else ""


async def _said(output: asyncio.StreamReader, mark: str) -> dict[str, Any] | None:
    """The next line with our mark; what a kernel writes on the same pipe is passed over. None at the end."""
    while True:
        try:
            line = await output.readline()
        except ValueError:  # longer than any of ours
            continue
        if not line:
            return None
        with contextlib.suppress(ValueError):
            said = json.loads(line)
            if isinstance(said, dict) and said.get("mark") == mark:
                return said


async def _tail(errors: asyncio.StreamReader | None, most: int = 16_384) -> bytes:
    """The last bytes of what it complains of. Read on, so that it never blocks on a full pipe."""
    kept = b""
    while errors and (more := await errors.read(65536)):
        kept = (kept + more)[-most:]
    return kept


def kill_marked(mark: str, pid: int | None = None) -> None:
    """Kill process `pid` with its children, where given, and every process that has `mark` in its environment."""
    for _ in range(5):  # one that was being started while we looked is found by the next look
        found = [*_family(pid), *(p for p in psutil.process_iter() if _carries(p, mark))]
        for process in found:
            with contextlib.suppress(psutil.Error):
                process.kill()
        if not [p for p in found if p.pid != pid]:
            return


def _family(pid: int | None) -> list[psutil.Process]:
    if pid is None:
        return []
    try:
        parent = psutil.Process(pid)
        return [*parent.children(recursive=True), parent]
    except psutil.Error:
        return []


def _carries(process: psutil.Process, mark: str) -> bool:
    try:
        return process.environ().get(MARK) == mark
    except (psutil.Error, OSError):
        return False
