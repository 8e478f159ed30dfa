"""What a bot must not forget when it dies: effects it has done, the newest fencing token, its state, tuned values.

One JSON object a line, appended and synced; rewritten at the start so that it stays small. A last line cut short by a
crash is dropped: what it said was never acknowledged.
"""

import os
import threading
from pathlib import Path
from typing import Any

import orjson
import structlog

from workbench.domain.errors import BotError

log = structlog.get_logger(__name__)
KEEP = 10_000  # effects remembered; a resend arrives within minutes, not after ten thousand others


class Memory:
    """A small dictionary of JSON values under text keys, in `path` or, without one, in the process alone.

    `put` returns after the value is on the disk. One process owns a file; blocking, so call it from a thread where a
    loop runs. Raises BotError where the folder cannot be written.
    """

    def __init__(self, path: Path | None = None):
        self._path, self._file = path, -1
        self._values: dict[str, Any] = {}
        self._lock = threading.Lock()
        if path is not None:
            self._open(path)

    def get(self, key: str, default: Any = None) -> Any:
        return self._values.get(key, default)

    def put(self, key: str, value: Any) -> None:
        """Remember `value`; an older value of `key` is forgotten, and the oldest key where there are too many."""
        with self._lock:
            self._values.pop(key, None)
            self._values[key] = value
            self._trim()
            if self._file >= 0:
                os.write(self._file, orjson.dumps([key, value]) + b"\n")
                os.fsync(self._file)

    def keys(self, prefix: str) -> list[str]:
        """Keys that begin with `prefix`, oldest first."""
        return [key for key in self._values if key.startswith(prefix)]

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _trim(self) -> None:
        """Forget the oldest effects, never a state or a token."""
        if len(self._values) > 2 * KEEP:
            for key in self.keys("effect:")[:KEEP]:
                del self._values[key]

    def _open(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists():
                self._values = dict(_lines(path))
            fresh = path.with_name(path.name + ".new")
            with fresh.open("wb") as file:
                file.writelines(orjson.dumps([key, value]) + b"\n" for key, value in self._values.items())
                file.flush()
                os.fsync(file.fileno())
            os.replace(fresh, path)
            self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        except OSError as error:
            raise BotError(f"cannot remember in {path}: {error}; choose a folder that can be written") from error


def _lines(path: Path):
    lines = path.read_bytes().split(b"\n")
    for number, line in enumerate(lines):
        if not line:
            continue
        try:
            key, value = orjson.loads(line)
        except ValueError as error:
            if number < len(lines) - 1:  # only the last line can have been cut short by a crash
                raise BotError(f"{path}, line {number + 1} is damaged; move the file away to start afresh") from error
            log.warning("memory_line_dropped", path=str(path), line=number + 1)
            return
        yield key, value
