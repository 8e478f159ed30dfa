"""Every user's patterns on every bar that closes: what is seen is told before its outcome, and judged by it later.

Everything is decided by bars that had closed and by what the ledger holds: another process that looks at the same bars
tells nothing twice.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import structlog

from workbench.domain.candles import COLUMNS
from workbench.domain.errors import ValueRefused
from workbench.domain.market import Timeframe
from workbench.domain.patterns import Outcome, OutcomeRule, Recognition
from workbench.domain.sightings import Sighting
from workbench.ledger.accepted_patterns import labels_of
from workbench.ledger.annotations import patterns_in
from workbench.ledger.log import SqlLedger
from workbench.ledger.pattern_log import MODEL, WATCH
from workbench.ledger.pattern_models import PatternModels, models_of
from workbench.ledger.sighting_log import SightingLog
from workbench.quant.outcomes import ending
from workbench.visual.pattern_classifier import Market
from workbench.visual.pattern_close import at_close, same_stretch
from workbench.visual.pattern_files import digest_of
from workbench.visual.pattern_history import candles_of, newest_bars
from workbench.visual.pattern_shelf import Held, Shelf

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Watched:
    """What a user wants looked at: markets (empty: all that the venue has) in bar lengths (empty: those labelled)."""

    on: bool = True
    symbols: tuple[str, ...] = ()
    timeframes: tuple[str, ...] = ()


def watched_by(ledger: SqlLedger, user_id: str) -> Watched:
    """The newest choice of a user; everything, where none was made."""
    rows = ledger.pattern_log.all(user_id, WATCH)
    if not rows:
        return Watched()
    said = rows[-1].facts
    return Watched(bool(said["on"]), tuple(said["symbols"]), tuple(said["timeframes"]))


@dataclass(slots=True)
class _Eye:
    """A user's newest usable classifier. asked : digest of labels that are not learned yet."""

    held: Held | None
    watched: Watched
    timeframes: tuple[str, ...]
    asked: str = ""


class PatternWatch:
    """Blocking. `home`: where models and candles of this desk are."""

    def __init__(self, ledger: SqlLedger, home: Path):
        self._ledger, self._home = ledger, home
        self._shelf = Shelf(partial(labels_of, ledger), PatternModels(ledger.pattern_log, models_of(home)))
        self._sightings = SightingLog(ledger)
        self._eyes: dict[str, _Eye] = {}
        self._told: dict[tuple[str, str, str, str], list[Recognition]] | None = None
        self._open: dict[str, Sighting] = {}

    def wanted(self) -> dict[str, int]:
        """Bar length → how many of the newest bars a look needs, after reading what users have learned and chosen."""
        self._remember()
        self._eyes = {user: eye for user in self._ledger.pattern_log.users(MODEL) if (eye := self._eye(user))}
        need: dict[str, int] = {}
        for eye in self._eyes.values():
            longest = max(eye.held.classifier.lengths) if eye.held else 0
            for timeframe in eye.timeframes if longest else ():
                need[timeframe] = max(need.get(timeframe, 0), longest)
        for one in self._open.values():
            timeframe = one.recognition.timeframe.text
            need[timeframe] = max(need.get(timeframe, 0), one.rule.horizon + 1)
        return need

    def look(self, tables: Mapping[Market, pd.DataFrame], closed_at: datetime) -> tuple[int, int]:
        """Tell what ends with the newest bars, and what became of earlier sightings; returns how many of either. A
        market whose newest bar did not close at `closed_at` is only used for the latter."""
        now = {m: t for m, t in tables.items() if len(t) and t.index[-1] + Timeframe.parse(m[1]).step == closed_at}
        seen = [one for user, eye in self._eyes.items() for one in self._news(user, eye, now, closed_at)]
        told = self._sightings.tell(seen)
        for one in seen:
            self._told_one(one)
        return told, self._judge(tables, closed_at)

    def _eye(self, user: str) -> _Eye | None:
        watched = watched_by(self._ledger, user)
        labels = labels_of(self._ledger, user)
        if not watched.on or not labels:
            return None
        before = self._eyes.get(user) or _Eye(None, watched, ())
        held, asked = self._shelf.ready(user), digest_of(labels)
        if held is None and before.asked == asked:  # the labels have rested since the last look: learn them
            held = self._trained(user, {one.timeframe.text for one in labels})
        lengths = watched.timeframes or tuple(sorted({one.timeframe.text for one in labels}))
        return _Eye(held or before.held, watched, lengths, asked)

    def _trained(self, user: str, timeframes: set[str]) -> Held | None:
        try:
            self._shelf.train(user, newest_bars(candles_of(self._home), timeframes))
        except ValueRefused as error:
            log.info("patterns_not_learned", user=user, reason=str(error))
        return self._shelf.ready(user)

    def _news(
        self, user: str, eye: _Eye, tables: Mapping[Market, pd.DataFrame], closed_at: datetime
    ) -> Iterator[Sighting]:
        """What this user's model sees, without what only continues a window that was told."""
        if eye.held is None:
            return
        chosen = {
            market: table
            for market, table in tables.items()
            if market[1] in eye.timeframes and (not eye.watched.symbols or market[0] in eye.watched.symbols)
        }
        assert self._told is not None
        rules = {one.name: one for one in patterns_in(labels_of(self._ledger, user))}
        for one in at_close(eye.held.classifier, chosen):
            if any(same_stretch(one, told) for told in self._told.get(_place(user, one), ())):
                continue
            own = rules.get(one.pattern)
            rule, fresh = (own and own.rule) or OutcomeRule(), own is None or one.last_at > own.newest_seen
            yield Sighting(user, one, eye.held.version, closed_at, rule, fresh)

    def _judge(self, tables: Mapping[Market, pd.DataFrame], now: datetime) -> int:
        """What became of open sightings, by the rule that was kept with each."""
        ended: list[Sighting] = []
        for key, one in list(self._open.items()):
            seen = one.recognition
            table = tables.get((seen.symbol, seen.timeframe.text))
            if table is None or pd.Timestamp(seen.last_at) not in table.index:
                continue
            row = int(table.index.get_loc(pd.Timestamp(seen.last_at)))
            bars = table[list(COLUMNS)].to_numpy(float)[row : row + one.rule.horizon + 1]
            came = ending(float(bars[0, 3]), np.asarray(bars[1:]), one.rule)
            if came.outcome is not Outcome.OPEN:
                ended.append(replace(one, outcome=came.outcome, gain=came.gain))
                del self._open[key]
        return self._sightings.end(ended, now)

    def _remember(self) -> None:
        """What was told before this process began: once."""
        if self._told is None:
            self._told = {}
            for one in self._sightings.all():
                self._told_one(one)

    def _told_one(self, one: Sighting) -> None:
        assert self._told is not None
        self._told.setdefault(_place(one.user_id, one.recognition), []).append(one.recognition)
        if one.outcome is Outcome.OPEN:
            self._open[one.key] = one


def _place(user: str, one: Recognition) -> tuple[str, str, str, str]:
    return user, one.pattern, one.symbol, one.timeframe.text
