"""Raw values as a trader reads them: thousands apart, signs on changes, currency behind, '–' for unknown. Pure."""

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from workbench.commands.reply import Column, Shape, Table
from workbench.domain.portfolio import Money

UNKNOWN = "–"
MINUS = "−"


def cells(table: Table, zone: tzinfo | None = None) -> list[list[str]]:
    """Every value of `table` as text, row by row."""
    return [
        [written(value, column.shape, zone) for value, column in zip(row, table.columns, strict=True)]
        for row in table.rows
    ]


def written(value: Any, shape: Shape, zone: tzinfo | None = None) -> str:
    """`value` in the manner of `shape`. None and NaN are '–', never 0."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return UNKNOWN
    if shape is Shape.TIME:
        return moment(value, zone)
    return _WRITERS.get(shape, str)(value)


def header(column: Column, zone: tzinfo | None = None) -> str:
    """A column's name; times name their zone."""
    return f"{column.name} ({zone_name(zone)})" if column.shape is Shape.TIME else column.name


def price(value: float) -> str:
    """Two decimals from 100 on, else five significant digits: the venue's tick is at least as fine."""
    if value == 0:
        return "0.00"
    digits = 2 if abs(value) >= 100 else min(max(4 - math.floor(math.log10(abs(value))), 2), 10)
    return _minus(f"{value:,.{digits}f}")


def size(value: float) -> str:
    """Up to eight decimals, none that say nothing."""
    text = f"{value:,.8f}".rstrip("0").rstrip(".")
    return _minus(text if text not in ("-0", "") else "0")


def money(value: Money) -> str:
    return _minus(f"{_zero(value.amount):,.2f} {value.currency}")


def change(value: Money) -> str:
    return _minus(f"{_signed(value.amount, '.2f')} {value.currency}")


def percent(value: float) -> str:
    return _minus(f"{_signed(100 * value, '.2f')} %")


def share(value: float) -> str:
    return _minus(f"{_zero(100 * value, 1):,.1f} %")


def number(value: float) -> str:
    if isinstance(value, int):
        return _minus(f"{value:,}")
    return _minus(f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.2f}")


def count(value: int) -> str:
    return _minus(f"{value:,}")


def age(seconds: float) -> str:
    """'12 s', '4 min', '3 h', '2 d'."""
    for limit, unit_s, unit in ((99.5, 1, "s"), (5400, 60, "min"), (172800, 3600, "h")):
        if seconds < limit:
            return _minus(f"{seconds / unit_s:,.0f} {unit}" if unit_s > 1 or seconds >= 9.95 else f"{seconds:.1f} s")
    return f"{seconds / 86400:,.0f} d"


def latency(milliseconds: float) -> str:
    return f"{milliseconds:,.0f} ms" if milliseconds >= 9.95 else f"{milliseconds:.1f} ms"


def moment(at: datetime, zone: tzinfo | None = None) -> str:
    """Date and time in the viewer's zone, to the second."""
    return f"{at.astimezone(zone or UTC):%Y-%m-%d %H:%M:%S}"


def zone_name(zone: tzinfo | None) -> str:
    """'Europe/Berlin' where the zone has a name: its letters (CET, CEST) would be right for half of the times only."""
    key = str(getattr(zone, "key", "")).removeprefix("Etc/")
    return str(key or (zone or UTC).tzname(None) or zone)


def ago(at: datetime, now: datetime, zone: tzinfo | None = None) -> str:
    """'12 s ago' under an hour, else the time with its zone."""
    passed = now - at
    if timedelta(0) <= passed < timedelta(hours=1):
        return f"{age(passed.total_seconds())} ago"
    return f"{moment(at, zone)} {zone_name(zone)}"


def _signed(value: float, form: str) -> str:
    text = f"{value:+,{form}}"
    return text[1:] if not any(c in "123456789" for c in text) else text


def _zero(value: float, digits: int = 2) -> float:
    return 0.0 if round(value, digits) == 0 else value


def _minus(text: str) -> str:
    return text.replace("-", MINUS)


_WRITERS: dict[Shape, Callable[[Any], str]] = {
    Shape.PRICE: price,
    Shape.SIZE: size,
    Shape.MONEY: money,
    Shape.CHANGE: change,
    Shape.PERCENT: percent,
    Shape.SHARE: share,
    Shape.NUMBER: number,
    Shape.COUNT: count,
    Shape.AGE: age,
    Shape.LATENCY: latency,
}
