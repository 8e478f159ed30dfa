"""Peers that must not be dependencies, in an environment of their own: made on first use, kept in the user's cache.

A peer's environment is found by a hash of its pins, built under a lock, and counts only once its mark is there. Where
it cannot be made (no network), `peer_python` returns None and the figures that need it are absent.
"""

import contextlib
import hashlib
import json
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workbench.bootstrap.freqtrade_env import cache_home

INSTALL_S = 900
_READY = ".ready"

STUMPY = ("stumpy==1.14.1",)
ARCH = ("arch==8.0.0",)
AEON = ("aeon==1.6.0",)
AEON_OPTIONS = ("--no-deps",)
"""Of aeon only the recorded sets inside its wheel are read; what it would pull in is not needed for that."""


def peer_python(pins: Sequence[str], options: Sequence[str] = ()) -> Path | None:
    """The Python of an environment that has `pins`; None where it cannot be made here."""
    kind = f"{platform.python_version()} {platform.machine()} {sys.platform} {options}"
    digest = hashlib.sha256("\n".join([*pins, kind]).encode()).hexdigest()[:16]
    folder = cache_home() / f"peer-{digest}"
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _alone(folder.with_suffix(".lock")):
            if not (folder / _READY).exists():
                _build(folder, python, [*options, *pins])
    except (OSError, subprocess.SubprocessError) as error:
        print(f"workbench: no environment with {', '.join(pins)}: {_said(error)}", file=sys.stderr)  # noqa: T201
        return None
    return python


def peer_asks(python: Path, program: str, *args: str, timeout_s: float = 600) -> Any:
    """What `program` (source text) prints as JSON on its last line, run by the peer's Python."""
    argv = [str(python), "-c", program, *args]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=timeout_s, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def _build(folder: Path, python: Path, wanted: list[str]) -> None:
    if folder.exists():
        shutil.rmtree(folder)
    beside = Path(sys.executable).with_name("uv")
    uv = str(beside) if beside.exists() else shutil.which("uv") or "uv"
    for argv in (
        [sys.executable, "-m", "venv", "--without-pip", str(folder)],
        [uv, "pip", "install", "--quiet", "--python", str(python), *wanted],
    ):
        subprocess.run(argv, capture_output=True, text=True, timeout=INSTALL_S, check=True)
    (folder / _READY).write_text("made by workbench; remove the whole folder to make it anew\n", encoding="utf-8")


@contextlib.contextmanager
def _alone(path: Path):
    with path.open("a") as file:
        with contextlib.suppress(ImportError):  # Windows has no flock: two builds at once waste minutes, no more
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _said(error: Exception) -> str:
    lines = str(getattr(error, "stderr", "") or error).strip().splitlines()
    return lines[-1][:300] if lines else type(error).__name__
