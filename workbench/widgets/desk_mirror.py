"""What the page has been told so far, and the smallest message that brings it up to date. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.domain.desk import DashboardData
from workbench.domain.events import Event
from workbench.domain.portfolio import EquityPoint
from workbench.widgets import desk_wire as wire
from workbench.widgets.desk_notices import notices
from workbench.widgets.desk_wire import Json

MOST_POINTS = 4000  # of one line; past that it is told anew, thinned
THINNED_POINTS = 2000


class DeskMirror:
    """Holds the page's state: `take` the newest figures, get the message; `snapshot` restores a page from nothing.

    Messages carry a number that rises by one; a page that misses one asks for the snapshot.
    """

    def __init__(self) -> None:
        self.seq = 0
        self._run_id: str | None = None
        self._view: Json = {
            "phase": "loading",
            "as_of": None,
            "state": None,
            "desk": None,
            "market": None,
            "total": None,
            "notices": [],
            "order": [],
            "bots": {},
            "equity": {},
            "events": [],
            "trouble": None,
        }

    def snapshot(self) -> Json:
        """Everything, as one message. The lists are the mirror's own: send at once, change never."""
        return {"kind": "snapshot", "seq": self.seq, **self._view}

    def take(self, data: DashboardData) -> Json:
        """The difference between `data` and what the page knows."""
        change: Json = {"set": self._scalars(data)}
        rows = {wire.key(row.bot_id): wire.bot(row, data.as_of) for row in data.bots}
        known = self._view["bots"]
        change["bots"] = {bot_id: row for bot_id, row in rows.items() if known.get(bot_id) != row}
        change["equity"] = self._equity(data, same_run=self._same_run(data))
        change["events"] = self._new_events(data.events)
        self._view.update(change["set"])
        self._view["bots"] = rows
        self._view["events"] = (change["events"] + self._view["events"])[: wire.KEPT_EVENTS]
        return self._numbered("diff", {key: value for key, value in change.items() if value})

    def fail(self, words: str, mend: str) -> Json:
        """The figures could not be had: say so, keep the old ones, which grow old in plain sight."""
        trouble = {"words": wire.clean(words), "mend": mend}
        change = {} if trouble == self._view["trouble"] else {"set": {"trouble": trouble}}
        self._view["trouble"] = trouble
        return self._numbered("diff", change)

    def _numbered(self, kind: str, change: Json) -> Json:
        self.seq += 1
        return {"kind": kind, "seq": self.seq, **change}

    def _scalars(self, data: DashboardData) -> Json:
        found: Json = {
            "phase": "live",
            "as_of": wire.millis(data.as_of),
            "state": data.state.value,
            "desk": None if data.desk is None else {"holder": wire.clean(data.desk.holder, wire.NAME_CHARS)},
            "market": wire.market(data.market),
            "total": wire.totals(data.total),
            "notices": [notice.as_json() for notice in notices(data)],
            "order": [wire.key(row.bot_id) for row in data.bots],
            "trouble": None,
        }
        return {key: value for key, value in found.items() if key == "as_of" or self._view[key] != value}

    def _same_run(self, data: DashboardData) -> bool:
        """Equity of two runs is never joined; while the venue is silent, the run is the one known last."""
        if data.market is None:
            return True
        known, self._run_id = self._run_id, data.market.run_id
        return known in (None, self._run_id)

    def _equity(self, data: DashboardData, same_run: bool) -> Json:
        """A silent venue leaves the run unknown, and then no line is told: what was drawn stays, and grows old."""
        if data.market is None and not data.equity:
            return {}
        held: dict[str, Json] = self._view["equity"]
        lines = {wire.key(name): points for name, points in data.equity.items()}
        told: Json = {"set": {}, "add": {}, "drop": [name for name in held if name not in lines]}
        for name in told["drop"]:
            del held[name]
        for name, points in lines.items():
            self._line(name, points, same_run, told)
        return {key: value for key, value in told.items() if value}

    def _line(self, name: str, points: Sequence[EquityPoint], same_run: bool, told: Json) -> None:
        held: dict[str, Json] = self._view["equity"]
        line = held.get(name)
        if line is None or not line["t"] or not same_run or _rewound(line, points):
            fresh = wire.series(_thinned(points))
            if line != fresh:
                held[name] = told["set"][name] = fresh
            return
        added = wire.series(wire.newer(points, line["t"][-1]))
        if not added["t"]:
            return
        if len(line["t"]) + len(added["t"]) > MOST_POINTS:
            held[name] = told["set"][name] = wire.series(_thinned(points))
            return
        # new lists: a snapshot on its way to the page must not change under it
        held[name] = {**line, "t": line["t"] + added["t"], "v": line["v"] + added["v"]}
        told["add"][name] = {"t": added["t"], "v": added["v"]}

    def _new_events(self, events: Sequence[Event]) -> list[Json]:
        known = self._view["events"]
        last = known[0]["seq"] if known else -1
        fresh = sorted((e for e in events if e.seq > last), key=lambda e: -e.seq)
        return [wire.event(e) for e in fresh[: wire.KEPT_EVENTS]]


def _rewound(line: Mapping[str, Any], points: Sequence[EquityPoint]) -> bool:
    """The venue went back in time, so the line begins again."""
    return bool(points) and wire.millis(points[-1].at) < line["t"][-1]  # type: ignore[operator]


def _thinned(points: Sequence[EquityPoint]) -> Sequence[EquityPoint]:
    """At most THINNED_POINTS of them, evenly chosen, first and last kept."""
    if len(points) <= THINNED_POINTS:
        return points
    step = (len(points) - 1) / (THINNED_POINTS - 1)
    return [points[round(i * step)] for i in range(THINNED_POINTS)]
