"""Recorded equity curves, kept in step with the ledger without reading them anew each second."""

from collections.abc import Sequence

from workbench.domain.portfolio import EquityPoint
from workbench.ledger.tables import DeskTables

MOST = 2000  # points of a curve as first read; a screen has fewer pixels
REREAD = 2 * MOST  # grown to this, a curve is read again and thinned by the ledger


class Curves:
    """The curves of one run. `read` blocks: call it from a thread. Another run begins afresh."""

    def __init__(self, tables: DeskTables):
        self._tables, self._run_id = tables, ""
        self._known: dict[str, list[EquityPoint]] = {}

    def read(self, run_id: str, names: Sequence[str]) -> dict[str, tuple[EquityPoint, ...]]:
        """Curves of `names` that have points, oldest first. Only what is newer than the last reading is fetched."""
        if run_id != self._run_id:
            self._run_id, self._known = run_id, {}
        found = {name: tuple(self._curve(name)) for name in names}
        return {name: points for name, points in found.items() if points}

    def _curve(self, name: str) -> list[EquityPoint]:
        known = self._known.get(name, [])
        if not known or len(known) >= REREAD:
            known = self._tables.equity(self._run_id, name, max_points=MOST)
        else:  # inclusive: the newest point may have been written again since
            fresh = self._tables.equity(self._run_id, name, since=known[-1].at, max_points=REREAD)
            known = known[:-1] + fresh
        self._known[name] = known
        return known
