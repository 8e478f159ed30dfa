"""Where a series lies in the lake. Names come from outside (an exchange, a user, a file) and are text, never paths.

A name is written with capital letters, digits and '_' for '/', and every other character as '-' and two hexadecimal
digits a byte; venues keep their small letters instead. No name can therefore leave its folder, two names never meet in
one (on a file system that ignores case neither), and every path reads back to its name.
"""

import re
import string
from dataclasses import dataclass
from functools import lru_cache

from workbench.domain.errors import CandleError, TimeframeError
from workbench.domain.market import Timeframe

_LONGEST = 80  # bytes of a name; three times as many in a path at most, which every file system takes
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])\.parquet")
_SYMBOL_PLAIN = frozenset(string.ascii_uppercase + string.digits)
_VENUE_PLAIN = frozenset(string.ascii_lowercase + string.digits)


@dataclass(frozen=True, slots=True, order=True)
class Series:
    """The candles of one market at one venue, in one bar length."""

    venue: str
    symbol: str
    timeframe: Timeframe

    def __post_init__(self) -> None:
        for what, name in (("venue", self.venue), ("symbol", self.symbol)):
            if not name or len(name.encode("utf-8", "replace")) > _LONGEST or "\0" in name:
                raise CandleError(f"{name[:40]!r} cannot name a {what}: 1 to {_LONGEST} bytes, none of them zero")
            try:
                name.encode()
            except UnicodeEncodeError as error:
                raise CandleError(f"{name!r} cannot name a {what}: it is not valid text") from error

    def __str__(self) -> str:
        return f"{self.symbol} {self.timeframe} of {self.venue}"

    @property
    def folder(self) -> str:
        """Relative path of the folder that holds the months, with '/'."""
        return _folder(self)

    @property
    def key(self) -> bytes:
        """A short identity for records."""
        return _folder(self).encode()

    @classmethod
    def of_folder(cls, folder: str) -> "Series | None":
        """The series whose `folder` this is; None where it is nobody's (a stranger's file in the lake)."""
        parts = folder.split("/")
        if len(parts) != 3:
            return None
        try:
            found = cls(_decode(parts[0]), _decode(parts[1]), Timeframe.parse(parts[2]))
        except (CandleError, TimeframeError, ValueError):
            return None
        return found if found.folder == folder else None

    @classmethod
    def of_key(cls, key: bytes) -> "Series | None":
        """The series whose `key` this is."""
        try:
            return cls.of_folder(key.decode())
        except UnicodeDecodeError:
            return None


def month_of(file_name: str) -> str | None:
    """'2024-01' of '2024-01.parquet', None for any other name."""
    return file_name[:7] if _MONTH.fullmatch(file_name) else None


@lru_cache(maxsize=4096)
def _folder(series: Series) -> str:
    venue, symbol = _encode(series.venue, _VENUE_PLAIN), _encode(series.symbol, _SYMBOL_PLAIN)
    return f"{venue}/{symbol}/{series.timeframe.text}"


def _encode(name: str, plain: frozenset[str]) -> str:
    return "".join(
        letter if letter in plain else "_" if letter == "/" else "".join(f"-{byte:02X}" for byte in letter.encode())
        for letter in name
    )


def _decode(text: str) -> str:
    return re.sub(rb"-([0-9A-F]{2})", lambda hit: bytes([int(hit[1], 16)]), text.replace("_", "/").encode()).decode()
