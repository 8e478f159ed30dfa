"""Trained pattern models of each user: files named by their SHA-256 beside the ledger, which numbers and dates them.

A file is a cache of what the labels say: where it is gone, or is not what it was, it is trained again. What is in it
is not known here, and nothing of it is ever executed.
"""

import os
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from workbench.domain.errors import ModelRefused
from workbench.ledger.pattern_log import MODEL, PatternLog

KEPT = 10  # files of a user; older versions stay numbered and can be trained again


def models_of(home: Path) -> Path:
    return home / "patterns"


@dataclass(frozen=True, slots=True)
class SavedModel:
    """A version of a user's model, from 1. sha256 : of its file; labels : digest of what it was learned from."""

    user_id: str
    version: int
    sha256: str
    labels: str
    at: datetime


class PatternModels:
    """Blocking. `folder` is made when first needed."""

    def __init__(self, log: PatternLog, folder: Path):
        self._log, self._folder = log, folder

    def keep(self, user_id: str, data: bytes, labels: str) -> SavedModel:
        """Write a model's file and number it; the same file of the same user keeps its first number."""
        name = sha256(data).hexdigest()
        self._write(name, data)
        self._log.note(user_id, MODEL, {name: {"labels": labels}})
        saved = self.versions(user_id)
        for old in saved[:-KEPT]:
            if old.sha256 != name:
                self._path(old.sha256).unlink(missing_ok=True)
        return next(one for one in saved if one.sha256 == name)

    def versions(self, user_id: str) -> list[SavedModel]:
        """Oldest first."""
        rows = enumerate(self._log.all(user_id, MODEL), 1)
        return [SavedModel(user_id, number, row.key, str(row.facts["labels"]), row.at) for number, row in rows]

    def of(self, user_id: str, labels: str) -> SavedModel | None:
        """The newest version that was learned from exactly these labels."""
        return next((one for one in reversed(self.versions(user_id)) if one.labels == labels), None)

    def read(self, saved: SavedModel) -> bytes:
        """The file of a version. Raises ModelRefused where it is gone, or has another hash."""
        who = f"model {saved.version} of {saved.user_id}"
        try:
            data = self._path(saved.sha256).read_bytes()
        except OSError as error:
            raise ModelRefused(f"{who} is not on this machine ({error.strerror}); it is trained again") from error
        found = sha256(data).hexdigest()
        if found != saved.sha256:
            raise ModelRefused(f"{who} has the hash {found[:12]}…, not {saved.sha256[:12]}…; it is trained again")
        return data

    def _write(self, name: str, data: bytes) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        fresh = self._folder / f"{name}.{os.getpid()}.new"
        with fresh.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path(name))

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.model"
