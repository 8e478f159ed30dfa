"""League tables as the ledger's sums give them. Blocking: call from a thread."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from workbench.domain.errors import CommandError
from workbench.ledger.forecast_sums import NOT_SCORED, Filter, ForecastSums

if TYPE_CHECKING:
    from numpy import ndarray as Table

    from workbench.quant.league import LeagueRow, Skill

BY = ("bot", "symbol", "horizon")
COLUMNS = {
    "bot": "bot_id",
    "symbol": "symbol",
    "timeframe": "timeframe",
    "horizon": "ahead_s",
    "regime": "regime",
    "month": "month",
}


def columns(by: Sequence[str]) -> list[str]:
    """The ledger's names. Raises CommandError."""
    if unknown := [name for name in by if name not in COLUMNS]:
        raise CommandError(f"a league table is not divided by {unknown[0]!r}; choose from {', '.join(COLUMNS)}")
    return [COLUMNS[name] for name in dict.fromkeys(by)]


def read(sums: ForecastSums, world: str, by: Sequence[str], wanted: Filter) -> list["LeagueRow"]:
    from workbench.quant.league import excess, ranked, rows_of

    totals = sums.read(world, by, wanted)
    if "regime" in by:  # what has no score has no regime; it is told in tables that are not divided by it
        totals = [total for total in totals if total["regime"] != NOT_SCORED]
    testable = "bot_id" in by and not {"regime", "month", "timeframe"} & set(by) and wanted.regime is None
    if not testable:
        return ranked(rows_of(totals), {})
    keys, tables, _ = _days(sums, world, by, wanted)
    return ranked(rows_of(totals), dict(zip(keys, excess(tables), strict=True)))


def course(sums: ForecastSums, world: str, wanted: Filter, window: int) -> list["Skill"]:
    """Skill of each bot over a moving window of days, all markets and horizons that `wanted` leaves together."""
    from workbench.quant.league import course as of_days

    keys, tables, months = _days(sums, world, ["bot_id"], wanted)
    return of_days({key[0]: table for key, table in zip(keys, tables, strict=True)}, months, window)


def _days(sums: ForecastSums, world: str, by: Sequence[str], wanted: Filter) -> tuple[list[tuple], "Table", list[int]]:
    """Keys (bot, market or '', seconds ahead or 0), what each scored by day (n_keys, 31 · n_months, 3), and the months
    (202401) of that calendar."""
    import numpy as np

    found = sums.days(world, wanted)
    months = sorted({month for _, _, _, month in found.keys})
    place = {month: number for number, month in enumerate(months)}
    per_market, per_horizon = "symbol" in by, "ahead_s" in by
    order: dict[tuple, int] = {}
    cells = np.array(
        [
            order.setdefault((bot, symbol if per_market else "", ahead_s if per_horizon else 0), len(order))
            * len(months)
            + place[month]
            for bot, symbol, ahead_s, month in found.keys
        ],
        dtype=np.int64,
    )
    tables = np.zeros((len(order) * len(months), *found.tables.shape[1:]))
    if len(cells):
        sequence = np.argsort(cells, kind="stable")
        taken, starts = np.unique(cells[sequence], return_index=True)
        tables[taken] = np.add.reduceat(found.tables[sequence], starts)
    return list(order), tables.reshape(len(order), len(months) * found.tables.shape[1], found.tables.shape[2]), months
