"""Freqtrade in an environment of its own, made once a machine: cached in the user's cache folder by a hash of its pins.

Installing takes minutes, so the folder lies outside any clone and is never changed after it was made: other pins, other
folder. It is built under a lock and counts only once its mark is there, so two at once build it once and nobody takes
a half for a whole.
Freqtrade (GPLv3) is run from there as a process; nothing of it is ever imported by the workbench.
"""

import contextlib
import hashlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

from workbench.domain.errors import StartError

PINS = Path(__file__).with_name("freqtrade_pins.txt")
CACHE_VARIABLE = "WORKBENCH_CACHE"
INSTALL_S = 1800
_READY = ".ready"
Tell = Callable[[str], None]


def cache_home() -> Path:
    """WORKBENCH_CACHE, or the user's own cache folder."""
    told = os.environ.get(CACHE_VARIABLE)
    if told:
        return Path(told).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "workbench"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home()) / "workbench" / "cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "workbench"


def env_folder(cache: Path | None = None) -> Path:
    """Where the environment of these pins and this Python belongs, made or not."""
    kind = f"{platform.python_version()} {platform.machine()} {sys.platform}"
    digest = hashlib.sha256(PINS.read_bytes() + kind.encode()).hexdigest()[:16]
    return (cache or cache_home()) / f"freqtrade-{digest}"


def freqtrade_python(cache: Path | None = None) -> Path | None:
    """The Python that can run Freqtrade, or None where it is not installed yet."""
    folder = env_folder(cache)
    return _python(folder) if (folder / _READY).exists() else None


def ensure_freqtrade(tell: Tell = lambda _: None, cache: Path | None = None) -> Path:
    """Its Python, installing it first where needed. Raises StartError with the reason in one sentence."""
    if found := freqtrade_python(cache):
        return found
    folder = env_folder(cache)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _alone(folder.with_suffix(".lock"), tell):
            if found := freqtrade_python(cache):
                return found
            _build(folder, tell)
    except OSError as error:
        raise StartError(
            f"{folder.parent} cannot be written ({error}); set {CACHE_VARIABLE} to a folder of yours"
        ) from error
    return _python(folder)


def _build(folder: Path, tell: Tell) -> None:
    """Whatever a build that died has left is removed first: we hold the lock. A venv cannot be moved, for its scripts
    name their Python; so it is built in its place and counts only once its mark is there."""
    if folder.exists():
        shutil.rmtree(folder)
    tell("installing Freqtrade in an environment of its own: some minutes, once on this machine")
    _run([sys.executable, "-m", "venv", "--without-pip", str(folder)])
    python = str(_python(folder))
    _run([*_uv(), "pip", "install", "--quiet", "--python", python, "--require-hashes", "-r", str(PINS)])
    _run([python, "-c", "import freqtrade.main"])
    mark = folder / (_READY + ".new")
    mark.write_text("made by workbench; remove the whole folder to make it anew\n", encoding="utf-8")
    mark.replace(folder / _READY)


def _uv() -> list[str]:
    beside = Path(sys.executable).with_name("uv")
    if beside.exists():
        return [str(beside)]
    found = shutil.which("uv")
    if found:
        return [found]
    if find_spec("uv"):
        return [sys.executable, "-m", "uv"]
    raise StartError("uv is needed to install Freqtrade; run: python -m pip install uv")


def _run(argv: list[str]) -> None:
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=INSTALL_S, check=False)
    except subprocess.TimeoutExpired:
        raise StartError(f"installing Freqtrade was not done after {INSTALL_S} s; is the network slow?") from None
    if done.returncode:
        said = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        raise StartError(f"Freqtrade cannot be installed: {'; '.join(said[-3:])[:600] or argv[0]}")


def _python(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


@contextlib.contextmanager
def _alone(path: Path, tell: Tell) -> Iterator[None]:
    """Hold `path` for this process; another's lock ends with that process, however it ends."""
    with path.open("a") as file:
        try:
            import fcntl
        except ImportError:  # Windows has no flock: two builds at once would be two minutes wasted, not a half seen
            yield
            return
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell("another process installs Freqtrade; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
