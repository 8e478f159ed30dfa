"""Child processes that say when they are ready, restart when they die, and end when we do."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from workbench.domain.errors import StartError
from workbench.ledger.secret_names import environment_for

log = structlog.get_logger(__name__)
STOP_S = 6.0


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """What to run. `ready_line`: wait for one JSON object on standard output before it counts as started.
    `reaches_desk`: it inherits what opens bots and ledger; every other secret that it needs is in `env`."""

    name: str
    module: str
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    reaches_desk: bool = False
    ready_line: bool = True
    ready_s: float = 60.0
    stop_s: float = STOP_S


class Child:
    """One supervised process; its errors go to `log_path`."""

    def __init__(self, spec: ChildSpec, log_path: Path, secret_variables: Iterable[str] = ()):
        self.spec, self.log_path = spec, log_path
        self._secrets = tuple(secret_variables)
        self.said: dict[str, Any] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._drain: asyncio.Task | None = None

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    async def start(self) -> dict[str, Any]:
        """Start and wait for readiness. Raises StartError with the child's own last words."""
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        argv = [sys.executable, "-m", "workbench.bootstrap.tethered", self.spec.module, *self.spec.args]
        with self.log_path.open("ab") as errors:
            self._process = await asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE if self.spec.ready_line else errors,
                stderr=errors,
                env={**environment_for(os.environ, self.spec.reaches_desk, self._secrets), **self.spec.env},
                start_new_session=True,
            )
        if self.spec.ready_line:
            self.said = await self._first_words()
        return self.said

    async def _first_words(self) -> dict[str, Any]:
        assert self._process
        output = self._process.stdout
        assert output
        try:
            async with asyncio.timeout(self.spec.ready_s):
                said = json.loads(await output.readline())
        except TimeoutError:
            await self.stop()
            raise StartError(f"{self.spec.name} was not ready after {self.spec.ready_s:.0f} s; {self._see()}") from None
        except ValueError:
            await self.stop()
            raise StartError(self.last_words() or f"{self.spec.name} ended at its start; {self._see()}") from None
        self._drain = asyncio.create_task(_discard(output))
        return said

    def last_words(self) -> str:
        """The child's last line of complaint, without the program's name."""
        try:
            lines = self.log_path.read_text(errors="replace").strip().splitlines()
        except OSError:
            return ""
        return lines[-1].removeprefix("workbench: ") if lines else ""

    def _see(self) -> str:
        return f"its log is {self.log_path}"

    async def wait(self) -> int:
        assert self._process
        return await self._process.wait()

    async def stop(self) -> None:
        """Ask, wait, then kill."""
        if not self.alive:
            return
        assert self._process
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            async with asyncio.timeout(self.spec.stop_s):
                await self._process.wait()
        except TimeoutError:
            log.warning("child_killed", child=self.spec.name, after_s=self.spec.stop_s)
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()


async def _discard(output: asyncio.StreamReader) -> None:
    """Read on, so that a talkative child never blocks on a full pipe."""
    while await output.read(65536):
        pass


class Household:
    """All children of one desk: each group started side by side, restarted one by one, groups stopped newest first."""

    def __init__(self, logs: Path, report, secret_variables: Iterable[str] = ()):
        self._logs, self._report, self._secrets = logs, report, tuple(secret_variables)
        self._groups: list[list[Child]] = []
        self._watchers: list[asyncio.Task] = []

    async def start(self, specs: Sequence[ChildSpec]) -> list[dict[str, Any]]:
        """Start `specs` side by side; if one fails, stop them all and raise its StartError."""
        children = [Child(spec, self._logs / f"{spec.name}.log", self._secrets) for spec in specs]
        self._groups.append(children)
        outcomes = await asyncio.gather(*(child.start() for child in children), return_exceptions=True)
        errors = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        if errors:
            await self.stop()
            raise errors[0]
        return [child.said for child in children]

    def supervise(self, restarted) -> None:
        """Watch every child; after a death wait a little longer each time, start it again, call `restarted`."""
        self._watchers = [
            asyncio.create_task(self._watch(child, restarted)) for group in self._groups for child in group
        ]

    async def _watch(self, child: Child, restarted) -> None:
        delay = 0.5
        while True:
            code = await child.wait()
            self._report("ChildDied", {"child": child.spec.name, "exit_code": code, "words": child.last_words()})
            await asyncio.sleep(delay)
            delay = min(delay * 2, 30.0)
            try:
                said = await child.start()
            except StartError as error:
                self._report("ChildNotRestarted", {"child": child.spec.name, "words": str(error)})
                continue
            self._report("ChildRestarted", {"child": child.spec.name, "pid": child.pid})
            await restarted(child.spec.name, said)

    async def stop(self) -> None:
        """Stop the newest group first, its members side by side."""
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)
        while self._groups:
            await asyncio.gather(*(child.stop() for child in self._groups.pop()))
        self._watchers = []
