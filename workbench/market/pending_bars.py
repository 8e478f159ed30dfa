"""Bars of one symbol that were heard of and are not told yet. Pure.

A row is what ccxt speaks: [opened_ms, open, high, low, close, volume]. Within a bar volume never falls, so of two
words on the same bar the one with more volume is the later one.
"""

from dataclasses import dataclass

Row = list[float]


@dataclass(slots=True)
class Pending:
    """`doubted`: the connection broke since it was last heard, or only REST told of it: it may have moved unseen."""

    row: Row
    final: bool
    doubted: bool = False


class PendingBars:
    """By open time. Each method that takes a row says whether it was news."""

    def __init__(self) -> None:
        self._bars: dict[int, Pending] = {}

    def __bool__(self) -> bool:
        return bool(self._bars)

    @property
    def first(self) -> int:
        return min(self._bars)

    @property
    def last(self) -> int:
        """Open time of the newest, or 0."""
        return max(self._bars, default=0)

    def __getitem__(self, opened: int) -> Pending:
        return self._bars[opened]

    def take_first(self) -> Row:
        return self._bars.pop(min(self._bars)).row

    def heard(self, row: Row, final: bool) -> bool:
        """A word of the stream: the later one counts, and nothing overrules a final one but another final one."""
        known = self._bars.get(int(row[0]))
        if known is None or (final and not known.final) or (final == known.final and row[5] >= known.row[5]):
            self._bars[int(row[0])] = Pending(list(row), final)
        return known is None or known.row != row or (final and not known.final)

    def read_over(self, row: Row) -> bool:
        """REST has it as over."""
        known = self._bars.get(int(row[0]))
        self._bars[int(row[0])] = Pending(list(row), True)
        return known is None or known.row != row

    def read_forming(self, row: Row) -> bool:
        """REST has it as forming: it counts where the stream knows less."""
        known = self._bars.get(int(row[0]))
        if known is not None and (known.final or row[5] <= known.row[5]):
            return False
        self._bars[int(row[0])] = Pending(list(row), False, doubted=True)
        return True

    def cut(self) -> None:
        for bar in self._bars.values():
            bar.doubted = not bar.final

    def forget(self, before_ms: int, final_too: bool = False) -> None:
        """Drop bars that open earlier, but none that is final unless told so."""
        self._bars = {at: bar for at, bar in self._bars.items() if at >= before_ms or (bar.final and not final_too)}
