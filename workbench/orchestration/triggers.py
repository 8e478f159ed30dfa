"""What halts without being asked: drawdown, stale data, failed reconciliation, repeated errors. No clock, no wire.

Fed with one look at the desk after another; answers with what has tripped. A bot's trigger names that bot only, so one
bot's losses never stop another; the desk's own figures stop the desk.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from workbench.domain.desk import BotRow, Totals
from workbench.domain.halts import DESK, AccountView
from workbench.settings import TriggerSettings

CLOSE_ENOUGH = 0.02  # of the amount; fees are taken in the coin bought


@dataclass(frozen=True, slots=True)
class Trip:
    """`scope` is to be halted, `rule` says by which trigger, `reason` why, in words."""

    scope: str
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class Sight:
    """One look. `accounts`: what venues show, by bot; `unread`: why they could not be read. `run_id`: equity of
    different runs is never compared. at : wall clock, rising."""

    at: datetime
    rows: Sequence[BotRow]
    totals: Totals
    accounts: Mapping[str, AccountView] = field(default_factory=dict)
    unread: str = ""
    run_id: str = ""


class Triggers:
    """Remembers peaks, and since when something is wrong. `peaks`: highest equity by name, from an earlier desk."""

    def __init__(self, settings: TriggerSettings, run_id: str = "", peaks: Mapping[str, float] | None = None):
        self._set, self._run_id, self._peaks = settings, run_id, dict(peaks or {})
        self._stale_since: dict[str, datetime] = {}
        self._errors: dict[str, deque[datetime]] = {}
        self._differs: dict[str, tuple[str, int]] = {}

    def feed(self, sight: Sight) -> list[Trip]:
        """What has tripped, as of this look; again at each look while it lasts."""
        trips: list[Trip] = []
        trips += self._drawdown(sight) if self._set.drawdown else []
        trips += self._stale(sight) if self._set.stale else []
        trips += self._reconciliation(sight) if self._set.reconciliation else []
        trips += self._repeated_errors(sight) if self._set.errors else []
        return trips

    def _drawdown(self, sight: Sight) -> list[Trip]:
        if sight.run_id and sight.run_id != self._run_id:
            self._peaks, self._run_id = {}, sight.run_id
        total = sight.totals.equity
        worth = {r.bot_id: r.status.equity.amount for r in sight.rows if r.status and r.status.equity and r.health.live}
        limits = dict.fromkeys(worth, self._set.bot_drawdown)
        if total is not None:
            worth[DESK], limits[DESK] = total.amount, self._set.desk_drawdown
        trips = []
        for name, amount in worth.items():
            peak = self._peaks[name] = max(self._peaks.get(name, amount), amount)
            fall = 1 - amount / peak if peak > 0 else 0.0
            if fall >= limits[name]:
                words = f"{name} is {fall:.1%} below its highest {peak:,.2f}, at most {limits[name]:.0%}"
                trips.append(Trip(name, "drawdown", words))
        return trips

    def _stale(self, sight: Sight) -> list[Trip]:
        bad = {r.bot_id: r.health.reason for r in sight.rows if r.status and r.health.live and not r.health.fresh}
        if sight.unread:
            bad[DESK] = sight.unread
        self._stale_since = {name: self._stale_since.get(name, sight.at) for name in bad}
        return [
            Trip(name, "stale data", f"{name} has been without fresh data for {age_s:,.0f} s: {bad[name]}")
            for name, since in self._stale_since.items()
            if (age_s := (sight.at - since).total_seconds()) >= self._set.stale_s
        ]

    def _reconciliation(self, sight: Sight) -> list[Trip]:
        """Counted only while the venue's figures stand still: a bot that trades right now may be a moment behind."""
        trips, differs = [], {}
        for row in sight.rows:
            account = sight.accounts.get(row.bot_id)
            if account is None or row.status is None or not row.health.live:
                continue
            words = difference(row, account)
            if not words:
                continue
            shown = f"{account.trades}:{words}"
            before, count = self._differs.get(row.bot_id, ("", 0))
            differs[row.bot_id] = (shown, count + 1 if shown == before else 1)
            if differs[row.bot_id][1] >= self._set.reconciliation_looks:
                trips.append(Trip(row.bot_id, "reconciliation", f"{row.bot_id} and its venue differ: {words}"))
        self._differs = differs
        return trips

    def _repeated_errors(self, sight: Sight) -> list[Trip]:
        trips = []
        for row in sight.rows:
            seen = self._errors.setdefault(row.bot_id, deque())
            if not row.health.live and "status" in row.capabilities:
                seen.append(sight.at)
            while seen and (sight.at - seen[0]).total_seconds() > self._set.errors_window_s:
                seen.popleft()
            if len(seen) >= self._set.errors_most:
                words = f"{row.bot_id} failed {len(seen)} times in {self._set.errors_window_s:g} s: {row.health.reason}"
                trips.append(Trip(row.bot_id, "repeated errors", words))
        return trips


def difference(row: BotRow, account: AccountView) -> str:
    """Where a bot's own positions and its venue's differ, in words; '' where they agree. Pure."""
    told: dict[str, float] = {}
    for position in row.status.positions if row.status else ():
        told[position.symbol] = told.get(position.symbol, 0.0) + position.amount
    words = []
    for symbol in sorted(told.keys() | account.positions.keys()):
        own, venue = told.get(symbol, 0.0), account.positions.get(symbol, 0.0)
        if abs(own - venue) > CLOSE_ENOUGH * max(abs(own), abs(venue)):
            words.append(f"{symbol}: it says {own:,.8g}, the venue {venue:,.8g}")
    return "; ".join(words)
