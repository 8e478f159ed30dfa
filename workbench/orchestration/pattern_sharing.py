"""A user's pattern for other users and for bots, by consent, through DataSync.

What travels is the labelled windows, not a model: whoever receives them learns anew, and nothing of another's is
executed. A program (a bot) hears of them on the topic `patterns`:

    async for thing in sync.subscribe(["patterns"], after=0, user="my bot"):
        offer = offer_from(thing)
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from workbench.domain.errors import ValueRefused
from workbench.domain.patterns import Annotation
from workbench.ledger.accepted_patterns import PATTERNS, offered
from workbench.ledger.annotation_wire import from_json, to_json
from workbench.ledger.log import SqlLedger
from workbench.orchestration.data_sync import DataSync
from workbench.orchestration.sync_topics import Shared


@dataclass(frozen=True, slots=True)
class Offer:
    """What is shared of one pattern, and whose it is. labels : empty where it is no longer shared."""

    owner: str
    pattern: str
    labels: tuple[Annotation, ...]


class PatternSharing:
    """Raises LedgerError, ValueRefused."""

    def __init__(self, ledger: SqlLedger, sync: DataSync):
        self._ledger, self._sync = ledger, sync

    async def share(self, owner: str, pattern: str, on: bool) -> Offer:
        """Let others learn from all labels of a pattern as they are now, or no longer from any of it."""
        labels = await asyncio.to_thread(self._ledger.annotations.all, owner, pattern)
        if not labels:
            raise ValueRefused(f"you have labelled no pattern {pattern[:60]!r}; /pattern list shows yours")
        await asyncio.to_thread(self._mark, labels, on)
        if on and not (await self._sync.sharing(owner))[PATTERNS]:
            await self._sync.share(owner, PATTERNS, True)
        kept = tuple(await asyncio.to_thread(offered, self._ledger, owner, pattern))
        told = {"pattern": pattern, "labels": [to_json(one) for one in kept] if on else []}
        await self._sync.publish(PATTERNS, told, user=owner, key=f"{pattern}:{datetime.now(UTC).isoformat()}")
        return Offer(owner, pattern, kept)

    def _mark(self, labels: list[Annotation], on: bool) -> None:
        for one in labels:
            self._ledger.annotations.edit(one.user_id, one.annotation_id, shared=on)


def offer_from(thing: Shared) -> Offer:
    """What was heard on the topic `patterns`. Raises LedgerError where it is no offer, or a label in it is none."""
    data: Mapping = thing.data
    labels = tuple(from_json(one) for one in data.get("labels", ()))
    return Offer(thing.user, str(data.get("pattern", "")), labels)
