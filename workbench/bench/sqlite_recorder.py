"""What SQLite really asks of the system, written down in order: writes, truncations, syncs, deletions.

SQLite lets a program put a layer of its own under the library (a VFS). This one passes every call on to the usual one.
"""

import ctypes
import os
from typing import Any

import pysqlite3._sqlite3 as library

Op = tuple[Any, ...]  # ("create", path) ("write", path, offset, bytes) ("truncate", path, size) ("sync", path) …
_P, _I, _L = ctypes.c_void_p, ctypes.c_int, ctypes.c_int64
_OPEN = ctypes.CFUNCTYPE(_I, _P, _P, _P, _I, _P)
_DELETE = ctypes.CFUNCTYPE(_I, _P, ctypes.c_char_p, _I)
_WRITE = ctypes.CFUNCTYPE(_I, _P, _P, _I, _L)
_TRUNCATE = ctypes.CFUNCTYPE(_I, _P, _L)
_SYNC = ctypes.CFUNCTYPE(_I, _P, _I)


class _Vfs(ctypes.Structure):
    _fields_ = [
        *(("version", _I), ("file_size", _I), ("path_size", _I)),
        *(("next", _P), ("name", ctypes.c_char_p), ("data", _P)),
        *(("open", _P), ("delete", _P), ("rest", _P * 14)),
    ]


class _Methods(ctypes.Structure):
    _fields_ = [
        ("version", _I),
        ("close", _P),
        ("read", _P),
        ("write", _P),
        ("truncate", _P),
        ("sync", _P),
        ("rest", _P * 13),
    ]


class Recorder:
    """Sits between SQLite and the system for the rest of this process's life, and writes down what passes."""

    def __init__(self) -> None:
        self.trace: list[Op] = []
        self._kept: list[Any] = []  # callbacks and structures the library now points to
        self._paths: dict[int, str] = {}
        self._methods: dict[int, int] = {}
        self._library = ctypes.CDLL(library.__file__)
        self._library.sqlite3_vfs_find.restype = ctypes.POINTER(_Vfs)
        usual = self._library.sqlite3_vfs_find(None).contents
        self._open, self._delete = _OPEN(usual.open), _DELETE(usual.delete)
        ours = _Vfs.from_buffer_copy(usual)
        ours.name, ours.next = b"recording", None
        ours.open, ours.delete = self._keep(_OPEN(self._on_open)), self._keep(_DELETE(self._on_delete))
        self._kept.append(ours)
        self._library.sqlite3_vfs_register(ctypes.byref(ours), 1)

    def _keep(self, callback: Any) -> int | None:
        self._kept.append(callback)
        return ctypes.cast(callback, _P).value

    def _on_open(self, vfs: int, name: int | None, file: int, flags: int, out: int | None) -> int:
        path = ctypes.string_at(name).decode() if name else ""
        new = bool(path) and not os.path.exists(path)
        status = self._open(vfs, name, file, flags, out)
        slot = ctypes.cast(file, ctypes.POINTER(_P))
        if status == 0 and path and slot[0]:
            self._paths[file] = path
            slot[0] = self._watched(slot[0])
            if new:
                self.trace.append(("create", path))
        return status

    def _watched(self, methods: int) -> int:
        """The same methods with ours in front of those that change a file."""
        if methods not in self._methods:
            usual = _Methods.from_address(methods)
            ours = _Methods.from_buffer_copy(usual)
            ours.write = self._keep(self._writer(_WRITE(usual.write)))
            ours.truncate = self._keep(self._truncater(_TRUNCATE(usual.truncate)))
            ours.sync = self._keep(self._syncer(_SYNC(usual.sync)))
            self._kept.append(ours)
            self._methods[methods] = ctypes.addressof(ours)
        return self._methods[methods]

    def _writer(self, usual: Any) -> Any:
        def write(file: int, data: int, count: int, offset: int) -> int:
            self.trace.append(("write", self._paths[file], offset, ctypes.string_at(data, count)))
            return usual(file, data, count, offset)

        return _WRITE(write)

    def _truncater(self, usual: Any) -> Any:
        def truncate(file: int, size: int) -> int:
            self.trace.append(("truncate", self._paths[file], size))
            return usual(file, size)

        return _TRUNCATE(truncate)

    def _syncer(self, usual: Any) -> Any:
        def sync(file: int, flags: int) -> int:
            status = usual(file, flags)
            self.trace.append(("sync", self._paths[file]))
            return status

        return _SYNC(sync)

    def _on_delete(self, vfs: int, name: bytes, sync_folder: int) -> int:
        self.trace.append(("delete", name.decode(), bool(sync_folder)))
        return self._delete(vfs, name, sync_folder)
