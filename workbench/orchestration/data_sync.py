"""What one process learns, all hear: forecasts, regimes, patterns, models, scores, features and signals.

    sync = DataSync(desk.ledger)
    await sync.publish("regimes", {"symbol": "BTC/USD", "turbulent": 0.8})
    async for thing in sync.subscribe(["regimes", "models"], after=last_seen): ...

Everything goes through the ledger's log, which numbers it: whoever was away resumes after the last number it has seen,
and a slow reader costs neither the writers nor the other readers anything. What belongs to a user is shown to others
only while that user shares the topic (`share`); it is a rule of manners among people of one desk, not encryption.
"""

import asyncio
import secrets
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from workbench.domain.errors import ValueRefused
from workbench.domain.events import NewEvent
from workbench.ledger.accepted_patterns import SHARING_CHANGED
from workbench.ledger.log import SqlLedger
from workbench.orchestration.plain_text import plain
from workbench.orchestration.subscriptions import BUFFER, Hub, Subscription
from workbench.orchestration.sync_topics import TOPICS, Shared, checked_topics, shared


class DataSync:
    """One for each process and ledger. `source`: who publishes, for the record."""

    def __init__(self, ledger: SqlLedger, source: str = "desk"):
        self._ledger, self._source = ledger, source
        self._hub = Hub(ledger)

    async def publish(
        self, topic: str, payload: Mapping[str, Any], *, user: str = "", key: str = "", durable: bool = True
    ) -> Shared:
        """Record `payload` (plain JSON, no secrets) for all readers of `topic`; returns it with its number.

        user: whose it is; others see it only if that user shares the topic, now and then. key: what the thing is about;
        the same key again is not recorded twice. durable=False returns before the disk has it.
        """
        return (await self.publish_many(topic, {key or secrets.token_hex(8): payload}, user=user, durable=durable))[0]

    async def publish_many(
        self, topic: str, payloads: Mapping[str, Mapping[str, Any]], *, user: str = "", durable: bool = True
    ) -> list[Shared]:
        """Several things of one topic by key, in one go: all or none."""
        (name,) = checked_topics(topic)
        kind, now = TOPICS[name][0], datetime.now(UTC)
        free = (await self._hub.refresh()).allows(user, name) if user else True
        news = [
            NewEvent(
                kind, user or self._source, {"user": user, "shared": free, "data": data}, f"{kind}:{user}:{key}", now
            )
            for key, data in payloads.items()
        ]
        return [shared(event) for event in await asyncio.to_thread(self._ledger.append, news, durable)]

    def subscribe(
        self,
        topics: str | Iterable[str] | None = None,
        after: int | None = None,
        *,
        user: str = "",
        buffer: int = BUFFER,
    ) -> Subscription:
        """Everything of `topics` (None: all) with a number above `after` (None: from now on), for ever.

        user: who reads; sees what is theirs, the desk's, and what others share. buffer: things that may wait for a slow
        reader in memory; beyond it the reader is told (`behind`) and reads from the ledger. Close it when done.
        """
        if buffer < 1:
            raise ValueRefused(f"buffer must hold 1 thing or more, got {buffer}")
        start = self._ledger.head() if after is None else after
        return Subscription(self._hub, checked_topics(topics), start, user, buffer)

    async def share(self, user: str, topic: str, on: bool, by: str = "") -> None:
        """Let others see (or no longer see) what `user` publishes on `topic`. Taking it back hides the past too."""
        (name,) = checked_topics(topic)
        if not user:
            raise ValueRefused("sharing needs a user; what has none is the desk's and belongs to everybody")
        words = f"{plain(user, 60)} {'shares' if on else 'no longer shares'} {name}"
        facts = {"user": user, "topic": name, "share": on, "by": by or user, "words": words}
        event = NewEvent(SHARING_CHANGED, user, facts, f"sharing:{secrets.token_hex(8)}", datetime.now(UTC))
        await asyncio.to_thread(self._ledger.append, [event])
        await self._hub.refresh()

    async def sharing(self, user: str) -> dict[str, bool]:
        """Topic → whether `user` shares it now."""
        consents = await self._hub.refresh()
        return {topic: consents.allows(user, topic) for topic in TOPICS}

    async def stop(self) -> None:
        """End every subscription of this process."""
        await self._hub.stop()
