"""The two places a lake can lie: a local folder, or anything fsspec reaches ('s3://bucket/prefix').

A file appears whole or not at all, and once `put` has returned it stays, through a crash and a power cut.
"""

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import fsspec
import pyarrow as pa

from workbench.domain.errors import CandleError

try:
    import fcntl
except ImportError:  # Windows: one writing process at a time, as docs/candles.md says
    fcntl = None  # type: ignore[assignment]

_TEMPORARY = ".tmp-"
_ABANDONED_S = 3600.0


class Files(Protocol):
    """Names are relative and use '/'."""

    def get(self, name: str) -> pa.Buffer | None: ...
    def put(self, name: str, data: bytes | memoryview) -> None: ...
    def names(self, folder: str) -> list[str]: ...
    def walk(self) -> Iterator[tuple[str, list[str]]]: ...
    def mark(self, name: str) -> Any: ...


class LocalFiles:
    """A folder on this machine."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def get(self, name: str) -> pa.Buffer | None:
        """The file, memory-mapped; None where there is none."""
        try:
            with pa.memory_map(str(self.root / name)) as mapped:
                return mapped.read_buffer()
        except FileNotFoundError:
            return None
        except (OSError, pa.ArrowInvalid) as error:
            raise CandleError(f"{self.root / name} cannot be read: {error}") from error

    def put(self, name: str, data: bytes | memoryview) -> None:
        """Temporary name, fsync, rename, fsync of the folder. Raises CandleError, the old file untouched."""
        try:
            put_durably(self.root / name, data)
        except OSError as error:
            raise CandleError(f"{self.root / name} cannot be written: {error.strerror or error}") from error

    def names(self, folder: str) -> list[str]:
        """File names in a folder, sorted; empty where it does not exist."""
        try:
            return sorted(os.listdir(f"{self.root}/{folder}"))
        except FileNotFoundError:
            return []

    def walk(self) -> Iterator[tuple[str, list[str]]]:
        """(folder, its file names) for all folders that hold files."""
        for path, folders, files in os.walk(self.root):
            folders.sort()
            if files:
                yield Path(path).relative_to(self.root).as_posix(), sorted(files)

    def mark(self, name: str) -> Any:
        """A value that changes whenever the file does; None where there is none."""
        try:
            found = os.stat(f"{self.root}/{name}")
        except FileNotFoundError:
            return None
        return [found.st_ino, found.st_size, found.st_mtime_ns]


class RemoteFiles:
    """A place fsspec reaches. A put is one upload, which object stores show whole or not at all."""

    def __init__(self, url: str) -> None:
        try:
            self.fs, self.root = fsspec.core.url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise CandleError(f"{url} cannot be opened: {error}") from error
        self.root = self.root.rstrip("/")

    def get(self, name: str) -> pa.Buffer | None:
        try:
            return pa.py_buffer(self.fs.cat_file(self._path(name)))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise CandleError(f"{self._path(name)} cannot be read: {error}") from error

    def put(self, name: str, data: bytes | memoryview) -> None:
        path = self._path(name)
        try:
            self.fs.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
            self.fs.pipe_file(path, bytes(data))
        except OSError as error:
            raise CandleError(f"{path} cannot be written: {error}") from error

    def names(self, folder: str) -> list[str]:
        try:
            self.fs.invalidate_cache()
            return sorted(path.rsplit("/", 1)[-1] for path in self.fs.ls(self._path(folder), detail=False))
        except FileNotFoundError:
            return []

    def walk(self) -> Iterator[tuple[str, list[str]]]:
        self.fs.invalidate_cache()
        for path, _, files in self.fs.walk(self.root):
            if files:
                yield path.rstrip("/").removeprefix(self.root).strip("/"), sorted(files)

    def mark(self, name: str) -> Any:
        try:
            info = self.fs.info(self._path(name))
        except FileNotFoundError:
            return None
        return [str(info.get(key)) for key in ("ETag", "etag", "size", "LastModified", "created", "mtime")]

    def _path(self, name: str) -> str:
        return f"{self.root}/{name}"


def files_at(root: str | Path) -> Files:
    """The store for a folder, or for a URL such as s3://bucket/prefix."""
    return RemoteFiles(str(root)) if "://" in str(root) else LocalFiles(Path(root).expanduser())


def put_durably(path: Path, data: bytes | memoryview) -> None:
    """Write `path` so that it holds either what it held or all of `data`, through kill -9 and power cuts."""
    make_folder(path.parent)
    temporary = path.with_name(f"{_TEMPORARY}{secrets.token_hex(6)}")
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def make_folder(folder: Path) -> None:
    """Create a folder and make its name durable, and its parents' names."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sweep(folder: Path) -> None:
    """Remove temporary files that a killed writer left behind an hour ago or more."""
    for path in folder.rglob(f"{_TEMPORARY}*"):
        try:
            if time.time() - path.stat().st_mtime > _ABANDONED_S:
                path.unlink()
        except FileNotFoundError:
            continue


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the writers' lock of a folder against other processes; it falls with the process."""
    make_folder(path.parent)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if fcntl is not None:
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
