"""Models in the ledger: bytes by their SHA-256, numbered versions, and which version is the champion.

The bytes are an event like any other, so they reach every machine that shares the ledger, and the log forgets none: a
rollback needs nothing that could have been deleted. What the bytes mean is not known here, and they are never executed.
"""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from workbench.domain.errors import LedgerError, ModelRefused
from workbench.domain.events import Event, NewEvent
from workbench.ledger.log import SqlLedger

MODEL_STORED, MODEL_TRAINED, MODEL_PROMOTED = "ModelStored", "ModelTrained", "ModelPromoted"
MOST_BYTES = 8 * 1024 * 1024
_PAGE = 1000


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A trained model. name : what it forecasts; version : from 1, rising within a name; facts : of its training."""

    name: str
    version: int
    sha256: str
    facts: Mapping[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True)
class Promotion:
    """A version became the champion of its name. change : from 1, rising; before : the version that it replaced, 0 for
    none. rollback : a person went back to it."""

    name: str
    change: int
    version: int
    sha256: str
    before: int
    rollback: bool
    by: str
    reason: str
    at: datetime
    seq: int


class ModelStore:
    """Blocking, like the ledger itself. Two processes that promote at once: one wins, the other is told."""

    def __init__(self, ledger: SqlLedger):
        self._ledger = ledger

    def put(self, name: str, data: bytes, facts: Mapping[str, Any], by: str) -> ModelVersion:
        """Keep a model's file and number it. The same bytes under the same name keep their first number."""
        if len(data) > MOST_BYTES:
            raise ModelRefused(f"the model {name!r} has {len(data):,} bytes; the ledger keeps up to {MOST_BYTES:,}")
        sha256, now = hashlib.sha256(data).hexdigest(), datetime.now(UTC)
        known = self.versions(name)
        if same := next((each for each in known if each.sha256 == sha256), None):
            return same
        body = {"sha256": sha256, "bytes": len(data), "base64": base64.b64encode(data).decode()}
        stored = NewEvent(MODEL_STORED, by, body, f"model:{sha256}", now)
        while True:
            version = known[-1].version + 1 if known else 1
            told = {"name": name, "version": version, "sha256": sha256, "facts": facts}
            trained = NewEvent(MODEL_TRAINED, by, told, f"version:{name}:{version}", now)
            recorded = self._ledger.append([stored, trained])[1]
            if recorded.payload["sha256"] == sha256:
                return _version(recorded)
            known = self.versions(name)  # another process took this number

    def get(self, sha256: str) -> bytes:
        """The bytes with this hash. Raises ModelRefused where they are not here, or are not what they were."""
        event = self._ledger.event(f"model:{sha256}")
        if event is None:
            raise ModelRefused(
                f"no model with hash {sha256[:16]!r} is in this ledger; /model list names those that are"
            )
        try:
            data = base64.b64decode(str(event.payload.get("base64", "")), validate=True)
        except (binascii.Error, ValueError) as error:
            raise ModelRefused(f"the model {sha256[:16]} is damaged in the ledger: {error}") from error
        if hashlib.sha256(data).hexdigest() != sha256:
            raise ModelRefused(f"the model stored as {sha256[:16]} has another hash; train and promote anew")
        return data

    def versions(self, name: str) -> list[ModelVersion]:
        """All versions of `name`, oldest first."""
        return [_version(event) for event in self._all(MODEL_TRAINED) if event.payload["name"] == name]

    def names(self) -> list[str]:
        return sorted({str(event.payload["name"]) for event in self._all(MODEL_TRAINED)})

    def promotions(self, name: str) -> list[Promotion]:
        """Every change of champion, oldest first."""
        return [_promotion(event) for event in self._all(MODEL_PROMOTED) if event.payload["name"] == name]

    def champion(self, name: str) -> Promotion | None:
        found = self.promotions(name)
        return found[-1] if found else None

    def promote(self, model: ModelVersion, after: int, by: str, reason: str, rollback: bool = False) -> Promotion:
        """Make `model` the champion, provided `after` is still the newest change of its name (0: there was none).

        Raises LedgerError where another change came first.
        """
        now, before = datetime.now(UTC), self.champion(model.name)
        words = f"{model.name}: version {model.version} {'is back' if rollback else 'takes over'} ({model.sha256[:12]})"
        told = {
            "name": model.name,
            "change": after + 1,
            "version": model.version,
            "sha256": model.sha256,
            "before": before.version if before else 0,
            "rollback": rollback,
            "by": by,
            "reason": reason,
            "words": f"{words}: {reason}",
        }
        (found,) = self._ledger.append([NewEvent(MODEL_PROMOTED, by, told, f"champion:{model.name}:{after + 1}", now)])
        if (found.payload["sha256"], found.payload["by"], found.at) != (model.sha256, by, now):
            raise LedgerError(
                f"{model.name} has had another champion meanwhile (version {found.payload['version']}, by "
                f"{found.payload['by']}); look at /model list and decide anew"
            )
        return _promotion(found)

    def _all(self, kind: str) -> list[Event]:
        found: list[Event] = []
        while page := self._ledger.read(found[-1].seq if found else 0, _PAGE, [kind]):
            found += page
            if len(page) < _PAGE:
                break
        return found


def rollback_target(history: list[Promotion], version: int = 0) -> int:
    """The version to go back to: `version`, or the one that was champion before the present one came.

    history : oldest first. Going back twice goes back two steps, not to and fro. Raises LedgerError where it cannot be.
    """
    stack: list[int] = []
    for change in history:
        if change.rollback and change.version in stack:
            del stack[stack.index(change.version) + 1 :]
        else:
            stack.append(change.version)
    if version:
        if version not in {change.version for change in history}:
            raise LedgerError(f"version {version} was never champion; promote it instead, or name one of {stack}")
        return version
    if len(stack) < 2:
        raise LedgerError("there is no earlier champion to go back to")
    return stack[-2]


def _version(event: Event) -> ModelVersion:
    said = event.payload
    return ModelVersion(said["name"], said["version"], said["sha256"], said["facts"], event.at)


def _promotion(event: Event) -> Promotion:
    said = event.payload
    return Promotion(
        said["name"],
        said["change"],
        said["version"],
        said["sha256"],
        said["before"],
        said["rollback"],
        said["by"],
        said["reason"],
        event.at,
        event.seq,
    )
