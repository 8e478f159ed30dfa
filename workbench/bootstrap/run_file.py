"""What a running desk tells other processes of its user: addresses, and the tokens of this run.

The tokens are made anew at each start, die with it, and guard servers that listen on this machine only; the file is
readable by its owner alone (like the runtime files of Jupyter). A user's own secrets never come here: those stay in
the environment or the keyring.
"""

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from workbench.dashboard.page_login import PageLogin
from workbench.domain.errors import StartError

try:
    import fcntl
except ImportError:  # Windows: no flock; the port check below still keeps two desks apart
    fcntl = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class DeskRun:
    """One run of `workbench up`."""

    pid: int
    run_id: str
    exchange_url: str
    page_url: str = ""
    lab_url: str = ""
    gate_url: str = ""
    bot_token: str = field(default="", repr=False)
    exchange_token: str = field(default="", repr=False)
    gate_token: str = field(default="", repr=False)
    page_token: str = field(default="", repr=False)

    @property
    def page_address(self) -> str:
        """The page's address; it logs in by itself where the token was made for this run."""
        return PageLogin(self.page_token).address(self.page_url)


def run_path(home: Path) -> Path:
    return home / "run" / "desk.json"


def write_run(home: Path, run: DeskRun) -> None:
    """Publish `run` so that a reader sees the old file or the new one, never a half."""
    path = run_path(home)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(asdict(run), file)
    fresh.replace(path)


def read_run(home: Path) -> DeskRun | None:
    """The desk that runs now, or None: no file, an unreadable one, or one whose process is gone."""
    try:
        run = DeskRun(**json.loads(run_path(home).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return run if _alive(run.pid) else None


def forget_run(home: Path) -> None:
    run_path(home).unlink(missing_ok=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # somebody else's process: it exists
    return True


@contextlib.contextmanager
def only_desk(home: Path) -> Iterator[None]:
    """Hold `home` for this process. Raises StartError where another desk holds it, or where it cannot be written."""
    path = home / "run" / "lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = path.open("a")
    except OSError as error:
        raise StartError(
            f"{home} cannot be written: {error.strerror}; set WORKBENCH_HOME to a folder of yours"
        ) from None
    with file:
        try:
            if fcntl:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            other = read_run(home)
            where = f" (process {other.pid}, page {other.page_url})" if other else ""
            raise StartError(
                f"a desk already runs in {home}{where}; stop it with Ctrl-C there, or set WORKBENCH_HOME"
            ) from None
        yield
