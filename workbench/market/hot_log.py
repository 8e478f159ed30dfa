"""A durable log of the newest bars, from where they are merged into Parquet: an append costs one fdatasync.

File: the word WBHOT001 and 8 random bytes that name this log, then records: magic, CRC-32 of all that follows in the
record, length of the key, number of rows, key, rows (int64 ms and five float64 each, little endian).
A record counts if its CRC holds. A torn tail is what a killed writer leaves, and is cut off by the next writer; damage
before good records is stepped over, reported, and kept aside when the log is drained.
"""

import os
import secrets
import struct
import threading
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import structlog

from workbench.domain.errors import CandleError
from workbench.market.lake_files import locked, make_folder, put_durably

ROW = np.dtype([("opened_ms", "<i8"), ("values", "<f8", 5)])
_WORD, _MAGIC = b"WBHOT001", b"\xb1\xb0WB"
_HEAD = struct.Struct("<4sIHI")
_START = len(_WORD) + 8
_log = structlog.get_logger()
_datasync = getattr(os, "fdatasync", os.fsync)


class HotLog:
    """The log at `path`, shared by any number of readers and writers, threads and processes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damage: list[tuple[int, int]] = []  # byte ranges that hold no record
        self._lock_path = path.with_suffix(".lock")
        self._thread_lock = threading.RLock()
        self._handle: int | None = None
        self._identity: tuple[int, int] | None = None
        self._read_to = 0
        self._rows: dict[bytes, list[np.ndarray]] = {}

    @property
    def size(self) -> int:
        """Bytes of the log as last seen."""
        return self._read_to

    def append(self, records: Mapping[bytes, np.ndarray]) -> None:
        """Keep rows (dtype ROW) by key; they are durable when this returns. Raises CandleError, and keeps nothing."""
        data = b"".join(_record(key, rows) for key, rows in records.items())
        with self._thread_lock, locked(self._lock_path):
            handle = self._open_to_write()
            end = self._read_to
            try:
                written = 0
                while written < len(data):
                    written += os.pwrite(handle, data[written:], end + written)
                _datasync(handle)
            except OSError as error:
                self._take_back(handle, end)
                raise CandleError(f"{self.path} cannot be written, the newest bars are not kept: {error}") from error
            self._parse(data, end)

    def rows(self, key: bytes) -> np.ndarray:
        """All rows under a key in the order they were kept (dtype ROW); a later row overrules an earlier one."""
        with self._thread_lock:
            self._catch_up()
            found = self._rows.get(key)
            if not found:
                return np.empty(0, ROW)
            if len(found) > 1:
                self._rows[key] = found = [np.concatenate(found)]
            return found[0]

    def held(self) -> list[bytes]:
        """The keys that have rows."""
        with self._thread_lock:
            self._catch_up()
            return list(self._rows)

    def drain(self, merge: Callable[[dict[bytes, np.ndarray]], Any]) -> None:
        """Give all rows to `merge`, which must make them durable elsewhere, then begin a log with what came meanwhile.

        Appends go on during the merge. A kill at any point loses nothing: until the new log stands, the old one does,
        and merging twice is harmless. The caller sees to it that one drain runs at a time.
        """
        with self._thread_lock, locked(self._lock_path):
            self._catch_up()
            taken, end = {key: self.rows(key) for key in self._rows}, self._read_to
        if not taken and not self.damage:
            return
        merge(taken)
        with self._thread_lock, locked(self._lock_path):
            self._catch_up()
            assert self._handle is not None
            if self.damage:
                put_durably(self.path.with_name(f"damaged-{secrets.token_hex(4)}.log"), self.path.read_bytes())
            meanwhile = os.pread(self._handle, self._read_to - end, end)
            put_durably(self.path, _WORD + secrets.token_bytes(8) + meanwhile)
            self._catch_up()

    def close(self) -> None:
        """Let go of the file; a later use opens it again."""
        with self._thread_lock:
            if self._handle is not None:
                os.close(self._handle)
            self._handle = self._identity = None

    def _open_to_write(self) -> int:
        if not self.path.exists():
            make_folder(self.path.parent)
            put_durably(self.path, _WORD + secrets.token_bytes(8))
        self._catch_up()
        assert self._handle is not None
        torn = os.fstat(self._handle).st_size - self._read_to
        if torn > 0:  # a killed writer's last record, never promised to anybody; nobody writes now
            _log.warning("hot log: torn record removed", path=str(self.path), bytes=torn)
            os.ftruncate(self._handle, self._read_to)
            os.fsync(self._handle)
        return self._handle

    def _catch_up(self) -> None:
        """Read what was appended since, or all of it where another process has begun a new log."""
        try:
            found = os.stat(self.path)
        except FileNotFoundError:
            self.close()
            self._rows, self._read_to = {}, 0
            return
        if self._identity != (found.st_dev, found.st_ino):  # our open handle keeps the old number from being reused
            self._begin_anew()
        assert self._handle is not None
        size = os.fstat(self._handle).st_size
        if size > self._read_to:
            self._parse(os.pread(self._handle, size - self._read_to, self._read_to), self._read_to)

    def _begin_anew(self) -> None:
        self.close()
        self._handle = os.open(self.path, os.O_RDWR)
        found = os.fstat(self._handle)
        self._identity = (found.st_dev, found.st_ino)
        if os.pread(self._handle, len(_WORD), 0) != _WORD:
            self.close()
            raise CandleError(f"{self.path} is not a log of candles; move it away and start again")
        self._rows, self._read_to, self.damage = {}, _START, []

    def _parse(self, data: bytes, offset: int) -> None:
        at = 0
        while at < len(data):
            end = _end_of_record(data, at)
            if end is None:
                following = _next_record(data, at + 1)
                if following is None:
                    break  # torn, or still being written by somebody
                self.damage.append((offset + at, offset + following))
                _log.error("hot log damaged", path=str(self.path), at=offset + at, bytes=following - at)
                at = following
                continue
            _, _, length, count = _HEAD.unpack_from(data, at)
            key = data[at + _HEAD.size : at + _HEAD.size + length]
            rows = np.frombuffer(data, ROW, count, at + _HEAD.size + length)
            self._rows.setdefault(bytes(key), []).append(rows)
            at = end
        self._read_to = offset + at

    def _take_back(self, handle: int, end: int) -> None:
        try:
            os.ftruncate(handle, end)
        except OSError:
            _log.error("hot log not shortened; the next writer will do it", path=str(self.path))


def _record(key: bytes, rows: np.ndarray) -> bytes:
    rest = struct.pack("<HI", len(key), len(rows)) + key + rows.astype(ROW, copy=False).tobytes()
    return _MAGIC + struct.pack("<I", zlib.crc32(rest)) + rest


def _end_of_record(data: bytes, at: int) -> int | None:
    """Where the record at `at` ends, or None where there is no whole and undamaged one."""
    if at + _HEAD.size > len(data):
        return None
    magic, checksum, length, count = _HEAD.unpack_from(data, at)
    end = at + _HEAD.size + length + count * ROW.itemsize
    if magic != _MAGIC or end > len(data) or zlib.crc32(memoryview(data)[at + 8 : end]) != checksum:
        return None
    return end


def _next_record(data: bytes, at: int) -> int | None:
    while (at := data.find(_MAGIC, at)) >= 0:
        if _end_of_record(data, at) is not None:
            return at
        at += 1
    return None
