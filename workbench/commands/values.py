"""One typed word into a value of its kind. Pure: what is known, the time and the zone come as `Known`."""

import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from typing import Any

from workbench.commands.spec import Kind, Known, Parameter
from workbench.domain.errors import CommandError, SymbolError, TimeframeError
from workbench.domain.market import Timeframe, resolve_symbol

_SCALE = {"": 1.0, "k": 1e3, "m": 1e6}
_NUMBER = re.compile(r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d{1,18}(?:_\d{3})*)?(?:\.\d{1,18})?", re.ASCII)
_MINUTES = {"min": "m", "mins": "m", "hour": "h", "hours": "h", "day": "d", "days": "d", "week": "w"}


def read_value(parameter: Parameter, text: str, known: Known, notes: list[str]) -> Any:
    """The value meant by `text`; where it was read otherwise than typed, a sentence is added to `notes`.

    symbol → 'BTC/USD'; timeframe → '30m'; bot → its id; target → tuple of ids and '@tags', or ('all',); number → float;
    count → int; date → datetime UTC; choice, word → str. Raises CommandError.
    """
    return _READERS[parameter.kind](parameter, text, known, notes)


def _symbol(parameter: Parameter, text: str, known: Known, notes: list[str]) -> str:
    if not known.symbols:
        raise CommandError(f"no market is known now, so {text[:40]!r} cannot be found; is the exchange running?")
    try:
        found = resolve_symbol(text[:40], known.symbols)
    except SymbolError as error:
        raise CommandError(str(error)) from error
    if found.note:
        notes.append(found.note)
    return found.symbol


def _timeframe(parameter: Parameter, text: str, known: Known, notes: list[str]) -> str:
    typed = text.strip()
    match = re.fullmatch(r"(\d{1,4})\s*([a-zA-Z]+)", typed, re.ASCII)
    if match:
        unit = match[2].lower() if match[2] != "M" else match[2]
        typed = match[1] + _MINUTES.get(unit, unit)
    try:
        return str(Timeframe.parse(typed))
    except TimeframeError as error:
        raise CommandError(
            f"{text[:40]!r} is no timeframe; write a number and m, h, d or w, as in 30m or 1h"
        ) from error


def _bot(parameter: Parameter, text: str, known: Known, notes: list[str]) -> str:
    alike = [bot for bot in known.bots if bot == text] or [bot for bot in known.bots if _fold(bot) == _fold(text)]
    if len(alike) == 1:
        return alike[0]
    near = get_close_matches(_fold(text[:64]), [_fold(bot) for bot in known.bots], n=1)
    meant = next((bot for bot in known.bots if near and _fold(bot) == near[0]), None)
    hint = f"did you mean {meant}?" if meant else f"bots: {', '.join(known.bots[:12]) or 'none'}"
    raise CommandError(f"no bot is named {text[:64]!r}; {hint}")


def _target(parameter: Parameter, text: str, known: Known, notes: list[str]) -> tuple[str, ...]:
    """Ids and tags joined by commas, each once. 'all' stands alone."""
    parts = [part for part in text.split(",") if part]
    if not parts:
        raise CommandError(f"{text[:40]!r} names no bot; write a bot's id, @tag or all")
    if len(parts) > 1 and "all" in (part.casefold() for part in parts):
        raise CommandError("'all' stands alone; name the others, or only all")
    return tuple(dict.fromkeys(_one_target(parameter, part, known, notes) for part in parts))


def _one_target(parameter: Parameter, text: str, known: Known, notes: list[str]) -> str:
    if text.casefold() == "all":
        return "all"
    if not text.startswith("@"):
        return _bot(parameter, text, known, notes)
    if text in known.tags:
        return text
    near = get_close_matches(text[:64], known.tags, n=1)
    hint = f"did you mean {near[0]}?" if near else f"tags: {', '.join(known.tags) or 'none'}"
    raise CommandError(f"no bot carries {text[:64]}; {hint}")


def _number(parameter: Parameter, text: str, known: Known, notes: list[str]) -> float:
    typed = text.strip().lower()
    unit = typed[-1:] if typed[-1:] in ("k", "m") else ""
    digits = typed.removesuffix(unit) if unit else typed
    if not _NUMBER.fullmatch(digits) or not any(c.isdigit() for c in digits):
        raise CommandError(f"{parameter.name}: {text[:40]!r} is no number; write it as 1,000.50 or 2.5k")
    value = float(digits.replace(",", "").replace("_", "")) * _SCALE[unit]
    if not math.isfinite(value):
        raise CommandError(f"{parameter.name}: {text[:40]} is too large")
    return value


def _count(parameter: Parameter, text: str, known: Known, notes: list[str]) -> int:
    value = _number(parameter, text, known, notes)
    if value != int(value) or not 1 <= value <= 1_000_000:
        raise CommandError(f"{parameter.name}: {text[:40]!r} is no whole number from 1 to 1,000,000")
    return int(value)


def _date(parameter: Parameter, text: str, known: Known, notes: list[str]) -> datetime:
    zone, typed = known.zone or UTC, text.strip()
    if typed.casefold() in ("today", "yesterday"):
        if known.now is None:
            raise CommandError(f"{typed} cannot be told here; write the date, as in 2024-01-31")
        day = known.now.astimezone(zone).date() - timedelta(days=typed.casefold() == "yesterday")
        return datetime.combine(day, time(), zone).astimezone(UTC)
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", typed, re.ASCII):
            return datetime.combine(date.fromisoformat(typed), time(), zone).astimezone(UTC)
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})?", typed, re.ASCII):
            moment = datetime.fromisoformat(typed)
            return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise CommandError(f"{parameter.name}: {text[:40]!r} is not in the calendar") from error
    raise CommandError(f"{parameter.name}: {text[:40]!r} is no date; write 2024-01-31 or 2024-01-31T14:00")


def _choice(parameter: Parameter, text: str, known: Known, notes: list[str]) -> str:
    if text.casefold() in parameter.choices:
        return text.casefold()
    raise CommandError(f"{parameter.name}: {text[:40]!r} is none of {', '.join(parameter.choices)}")


def _word(parameter: Parameter, text: str, known: Known, notes: list[str]) -> str:
    if not text or len(text) > 128:
        raise CommandError(f"{parameter.name}: from 1 to 128 characters, got {len(text)}")
    return text


def _fold(name: str) -> str:
    return name.casefold().replace("-", "_")


Reader = Callable[[Parameter, str, Known, list[str]], Any]
_READERS: dict[Kind, Reader] = {
    Kind.SYMBOL: _symbol,
    Kind.TIMEFRAME: _timeframe,
    Kind.BOT: _bot,
    Kind.TARGET: _target,
    Kind.NUMBER: _number,
    Kind.COUNT: _count,
    Kind.DATE: _date,
    Kind.CHOICE: _choice,
    Kind.WORD: _word,
}
