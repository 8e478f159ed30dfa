"""Client order ids that carry who, why and when, so that a restarted bot reads its intents from the venue. Pure."""

import re
import zlib

LONGEST = 36  # what Binance takes
INTENTS = {"e": "entry", "x": "signal", "s": "stop", "g": "passed its stop", "h": "halt"}
_SHAPE = re.compile(r"(?P<tag>[A-Za-z0-9_.]+)-(?P<intent>[exsgh])-(?P<symbol>[A-Z0-9]+)-(?P<at>[0-9a-z]+)")
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def tag_of(bot_id: str) -> str:
    """The bot's part of an id: its name, or a shortened one with a check sum."""
    plain = re.sub(r"[^A-Za-z0-9_.]", "_", bot_id)
    return plain if len(plain) <= 14 and plain == bot_id else f"{plain[:7]}_{zlib.crc32(bot_id.encode()):06x}"[:14]


def client_id(tag: str, intent: str, symbol: str, moment_ms: int, attempt: int = 0) -> str:
    """An id for one intent in one market at one market moment; a further `attempt` is another id."""
    market = re.sub(r"[^A-Z0-9]", "", symbol.upper())[:9]
    return f"{tag}-{intent}-{market}-{_base36(moment_ms // 1000)}{_base36(attempt) if attempt else ''}"[:LONGEST]


def intent_of(text: str | None, tag: str) -> str | None:
    """The intent letter in an id of ours, None for anybody else's."""
    match = _SHAPE.fullmatch(text or "")
    return match["intent"] if match and match["tag"] == tag else None


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, rest = divmod(number, 36)
        digits = _DIGITS[rest] + digits
    return digits or "0"
