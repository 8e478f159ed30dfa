"""The wire: how domain values are written as JSON between a bot and whoever asks it. Version 1.

`encode` writes a domain value, `decode` reads one and refuses what breaks a rule (NaN, infinity, a time without a
zone). Times are ISO 8601 in UTC, timeframes are text ('30m'). The shapes themselves are in `wire.py`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import orjson
from pydantic import ValidationError

from workbench.bots.wire import StatusWire, Wire
from workbench.domain.errors import BotError, WorkbenchError
from workbench.domain.market import Timeframe
from workbench.domain.portfolio import BotStatus

VERSION = "1"


def encode(value: Any) -> bytes:
    """A domain value (or JSON data holding some) as JSON. Raises BotError on NaN or infinity: JSON has neither."""
    return orjson.dumps(plain(value))


def plain(value: Any) -> Any:
    """`value` as JSON data: dataclasses become objects, times ISO text in UTC, timeframes and choices text."""
    if isinstance(value, float):
        if not math.isfinite(value):
            raise BotError(f"{value} cannot be sent: JSON has no such number; send null, or leave the field out")
        return float(value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return value.value if isinstance(value, StrEnum) else value
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise BotError(f"time {value} has no zone; send UTC")
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, Timeframe):
        return value.text
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Sequence | set | frozenset):
        return [plain(item) for item in value]
    raise BotError(f"a value of type {type(value).__name__} cannot be sent; send numbers, text, times or domain values")


def decode(kind: type[Wire], body: bytes | str) -> Any:
    """The domain value in `body`. Raises BotError naming the field that is wrong."""
    try:
        return kind.model_validate_json(body).domain()
    except ValidationError as error:
        raise BotError(f"not a {_title(kind)}: {complaint(error)}") from error
    except WorkbenchError as error:
        raise BotError(f"not a {_title(kind)}: {error}") from error


def status_from(payload: Mapping[str, Any]) -> BotStatus:
    """A status kept as JSON data (`plain(status)`) read back. Raises BotError."""
    return decode(StatusWire, orjson.dumps(payload))


def complaint(error: ValidationError) -> str:
    """The first thing pydantic found wrong, in one line: where, what was there, which rule."""
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "body"
    given = repr(first.get("input"))
    return f"{where}: {first['msg'].lower()}, got {given if len(given) <= 80 else given[:77] + '…'}"


def _title(kind: type[Wire]) -> str:
    return kind.__name__.removesuffix("Wire").lower()
