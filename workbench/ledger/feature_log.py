"""Bots' features in the ledger: written once, with the market's time at which they were there to be read.

That time is the desk's own, read after the bot had spoken. So whatever a bot says of a bar, and whenever it says it,
nobody learns from it as of a moment at which it was not known.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import structlog

from workbench.domain.events import NewEvent
from workbench.domain.features import BotFeatures
from workbench.domain.ports import Ledger

log = structlog.get_logger(__name__)
FEATURES_TOLD = "FeaturesTold"
MOST = 20_000  # newest events a training reads: four bots' numbers of all markets over 5,000 bars
Series = Mapping[tuple[str, str], Sequence[tuple[float, float]]]


def tell_features(ledger: Ledger, world: str, told: Sequence[BotFeatures], known_at: datetime) -> int:
    """Keep what bots said, one event a bot and bar, the first word counting; returns how many. What claims a close that
    has not been is left out, and logged. Blocking."""
    things: dict[str, dict[str, Any]] = {}
    for one in told:
        if one.seen_at > known_at:
            log.warning("features_of_the_future", bot=one.bot_id, symbol=one.symbol, seen_at=str(one.seen_at))
            continue
        about = {"world": world, "bot_id": one.bot_id, "timeframe": str(one.timeframe)}
        times = {"seen_at": one.seen_at.isoformat(), "known_at": known_at.isoformat()}
        key = ":".join((*about.values(), times["seen_at"]))
        rows = things.setdefault(key, {**about, **times, "values": []})["values"]
        rows += [[one.symbol, name, value] for name, value in one.values.items()]
    now = datetime.now(UTC)
    events = [NewEvent(FEATURES_TOLD, thing["bot_id"], thing, f"features:{key}", now) for key, thing in things.items()]
    return len(ledger.append(events, durable=False)) if events else 0


def read_features(ledger: Ledger, world: str, timeframe: str) -> Series:
    """('bot/feature', market) → (epoch second at which it was known, value) in order, NaN where the bot did not know.
    Of one world and bar length. Blocking."""
    return series_of((event.payload for event in ledger.last(MOST, [FEATURES_TOLD])), world, timeframe)


def series_of(things: Iterable[Mapping[str, Any]], world: str, timeframe: str) -> Series:
    """The same from the payloads of FEATURES_TOLD events, in their order."""
    found: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for thing in things:
        if (thing["world"], thing["timeframe"]) == (world, timeframe):
            known_s = datetime.fromisoformat(thing["known_at"]).timestamp()
            for symbol, name, value in thing["values"]:
                found[f"{thing['bot_id']}/{name}", symbol].append((known_s, math.nan if value is None else value))
    return {key: sorted(rows, key=lambda row: row[0]) for key, rows in found.items()}
