"""League tables as the ledger's sums give them. Blocking: call from a thread."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from workbench.domain.errors import CommandError
from workbench.ledger.forecast_sums import NOT_SCORED, Filter, ForecastSums

if TYPE_CHECKING:
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
    from workbench.quant.league import ranked, rows_of

    totals = sums.read(world, by, wanted)
    if "regime" in by:  # what has no score has no regime; it is told in tables that are not divided by it
        totals = [total for total in totals if total["regime"] != NOT_SCORED]
    testable = "bot_id" in by and not {"regime", "month", "timeframe"} & set(by) and wanted.regime is None
    return ranked(rows_of(totals), _days(sums, world, by, wanted) if testable else {})


def course(sums: ForecastSums, world: str, wanted: Filter, window: int) -> list["Skill"]:
    """Skill of each bot over a moving window of days, all markets and horizons that `wanted` leaves together."""
    from workbench.quant.league import calendar
    from workbench.quant.league import course as of_days

    months = [month for _, _, _, month, _ in sums.days(world, wanted)]
    tables = _days(sums, world, ["bot_id"], wanted)
    return of_days({key[0]: table for key, table in tables.items()}, calendar(months), window)


def _days(sums: ForecastSums, world: str, by: Sequence[str], wanted: Filter) -> dict:
    """(bot, market or '', seconds ahead or 0) → (n_days, 3), on one calendar for all."""
    import numpy as np

    from workbench.quant.league import calendar

    found = sums.days(world, wanted)
    first_row = calendar(month for _, _, _, month, _ in found)
    tables: dict[tuple, np.ndarray] = {}
    for bot, symbol, ahead_s, month, table in found:
        key = (bot, symbol if "symbol" in by else "", ahead_s if "ahead_s" in by else 0)
        if key not in tables:
            tables[key] = np.zeros((31 * len(first_row), 3))
        tables[key][first_row[month] : first_row[month] + 31] += table
    return tables
