"""Runs one Freqtrade for the desk: starts it in its own environment, waits until its API answers, ends it in order.

    python -m workbench.bootstrap.freqtrade_child --python PYTHON --folder FOLDER [--config MORE.json] [--ready-s 90]

One JSON line, {"bot_id", "url", "tags"}, when the API answers. Freqtrade keeps running without an API where its port is
taken, and hangs without one where its exchange is away: so the port is tried first, and readiness has a limit.
"""

import argparse
import base64
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from workbench.bootstrap.ports import HOST, require_free
from workbench.domain.errors import StartError

STOP_S = 12.0
LOOK_S = 0.2
TETHER = Path(__file__).with_name("tethered.py")
USER, PASSWORD = "FREQTRADE__API_SERVER__USERNAME", "FREQTRADE__API_SERVER__PASSWORD"


def main() -> int:
    """Exit status: Freqtrade's own, 0 after a stop that was asked for, 1 where it could not be started."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--config", type=Path, action="append", default=[])
    parser.add_argument("--tag", action="append", default=[])
    parser.add_argument("--ready-s", type=float, default=90.0)
    args = parser.parse_args()
    try:
        with _alone(args.folder):
            return _run(args)
    except StartError as error:
        print(f"workbench: {error}", file=sys.stderr)  # noqa: T201 (the parent reads it as our last words)
        return 1


def _run(args: argparse.Namespace) -> int:
    main_config = args.folder / "config.json"
    config = json.loads(main_config.read_text(encoding="utf-8"))
    name, port = str(config["bot_name"]), int(config["api_server"]["listen_port"])
    require_free(port, name, f"api_server.listen_port in {main_config}")
    told: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda got, _frame: told.append(got))
    log_path = args.folder / "freqtrade.log"
    with log_path.open("ab") as log, _started(args, main_config, log) as process:
        _wait_ready(process, name, f"http://{HOST}:{port}", log_path, args.ready_s, told)
        if told:
            return 0
        ready = {"bot_id": name, "url": f"http://{HOST}:{port}", "tags": ["freqtrade", *args.tag], "pid": process.pid}
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        while process.poll() is None and not told:
            time.sleep(LOOK_S)
        return 0 if told else process.returncode or 1


@contextlib.contextmanager
def _started(args: argparse.Namespace, main_config: Path, log) -> Iterator[subprocess.Popen]:
    """The process, tethered to us: should we be killed, it ends too. Left in order, whatever happens inside."""
    configs = [part for path in (main_config, *args.config) for part in ("--config", str(path))]
    argv = [str(args.python), "-P", str(TETHER), "freqtrade", "trade", *configs]
    process = subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=args.folder, env=os.environ, start_new_session=True
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_ready(
    process: subprocess.Popen, name: str, url: str, log_path: Path, ready_s: float, told: list[int]
) -> None:
    until = time.monotonic() + ready_s
    while not told:
        if process.poll() is not None:
            raise StartError(f"{name} ended at its start: {_last_words(log_path)}")
        if _answers(url, name):
            return
        if time.monotonic() > until:
            raise StartError(f"{name} had no API after {ready_s:.0f} s; is its exchange there? Its log is {log_path}")
        time.sleep(LOOK_S)


def _answers(url: str, name: str) -> bool:
    """Whether the Freqtrade at `url` is ours, and works. Another's answers too, but not under our name and password."""
    login = base64.b64encode(f"{os.environ.get(USER, '')}:{os.environ.get(PASSWORD, '')}".encode()).decode()
    request = urllib.request.Request(f"{url}/api/v1/show_config", headers={"Authorization": f"Basic {login}"})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=2.0) as answer:
            return json.load(answer).get("bot_name") == name
    except (OSError, ValueError):
        return False


def _last_words(log_path: Path) -> str:
    lines = [line for line in log_path.read_text(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines[-40:] if "ERROR" in line or "Error" in line]
    return " ".join((errors or lines or ["it said nothing"])[-1].split())[:400]


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Two processes on one database trade against each other: the second is refused."""
    try:
        import fcntl
    except ImportError:  # Windows: the port check still keeps two apart
        yield
        return
    with (folder / "lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StartError(f"a Freqtrade already runs in {folder}; stop that one first") from None
        yield


if __name__ == "__main__":
    sys.exit(main())
