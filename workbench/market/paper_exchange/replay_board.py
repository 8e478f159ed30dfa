"""A market of a recording, read off its tape at the position where the replay stands: a function of that position."""

from decimal import Decimal

from workbench.market.paper_exchange.books import Level, Quote
from workbench.market.paper_exchange.recording import STEPS, Recording
from workbench.market.paper_exchange.views import Bar, BookView, MarketTrade

LEVELS = 20


class Cursor:
    """Where the replay stands."""

    __slots__ = ("position",)

    def __init__(self, position: int):
        self.position = position


class ReplayBoard:
    """A market as `cursor` sees it. `share`: the part of a step's volume that our orders may have."""

    def __init__(self, recording: Recording, symbol: str, cursor: Cursor, share: float):
        self.recording, self.symbol, self.cursor = recording, symbol, cursor
        self.tape = recording.tapes[symbol]
        self.market = self.tape.market
        self.share = Decimal(str(share))
        self._seen, self._seen_at = (-1, False), -1

    @property
    def now_ms(self) -> int:
        return self.recording.time_of(self.cursor.position)

    def look(self) -> tuple[int, bool]:
        """The newest row (-1: none), and whether it is the bar being played; looked up once a position."""
        position = self.cursor.position
        if position != self._seen_at:
            self._seen, self._seen_at = self.recording.row_at(self.symbol, position // STEPS), position
        return self._seen

    @property
    def place(self) -> int:
        """Steps this market has played, which numbers its trades and book updates; -1 before its first."""
        row, forming = self.look()
        return row * STEPS + (self.cursor.position % STEPS if forming else STEPS - 1) if row >= 0 else -1

    @property
    def trades_now(self) -> bool:
        """Whether this market's bar is being played at this position."""
        return self.look()[1]

    def last_trade(self) -> MarketTrade | None:
        place = self.place
        return self.tape.trade_at(place, self.recording.step_ms) if place >= 0 else None

    def quote(self) -> Quote:
        """Orders trade at the price of the step itself, since recorded bars carry no spread."""
        place = self.place
        if place < 0:
            return Quote((), (), self.now_ms, False)
        takeable = self.market.amount(self.tape.amount_at(place)) * self.share
        offer = (Level(self.market.price(self.tape.price_at(place)), takeable),)
        return Quote(offer, offer, self.now_ms, self.trades_now)

    def forming_bar(self) -> Bar | None:
        """The bar of this moment, as far as it has come."""
        row, forming = self.look()
        return self.tape.bar(row, self.cursor.position % STEPS + 1) if forming else None

    def bars(self, start_ms: int, end_ms: int, newest: int | None = None) -> list[Bar]:
        """Bars that opened in [start_ms, end_ms], or the `newest` of them; the forming one included."""
        first, last = self.tape.rows_between(start_ms, min(end_ms, self.now_ms))
        if newest is not None:
            first = max(first, last - newest)
        row, forming = self.look()
        found = [self.tape.bar(one) for one in range(first, min(last, row if forming else row + 1))]
        if forming and first <= row < last:
            found.append(self.tape.bar(row, self.cursor.position % STEPS + 1))
        return found

    def trades(
        self, count: int, from_id: int | None = None, since: int | None = None, until: int | None = None
    ) -> list[MarketTrade]:
        """At most `count` trades: from an id or a time on, else the newest; oldest first, none of amount zero."""
        end = self.place + 1
        if until is not None and until < self.now_ms:
            end = min(end, self.tape.rows_between(0, until)[1] * STEPS)
        start = max(0, end - count)
        if from_id is not None:
            start = max(0, from_id - 1)
        elif since is not None:
            start = max(0, (self.tape.rows_between(since, since)[0] - 1) * STEPS)
        found: list[MarketTrade] = []
        for place in range(start, end):
            trade = self.tape.trade_at(place, self.recording.step_ms)
            if trade.amount and (since is None or trade.at_ms >= since) and (until is None or trade.at_ms <= until):
                found.append(trade)
                if len(found) == count:
                    break
        return found

    def book(self, before: bool = False) -> BookView:
        """A level at each tick on both sides of the last price; a side holds about what one account may take."""
        place = self.place - before
        if place < 0:
            return BookView(0, (), ())
        price, tick, lot = self.tape.price_at(place), self.market.tick_points, self.market.lot_units
        size = max(1, int(self.tape.amount_at(place) * self.share) // LEVELS // lot) * lot
        below, above = (price - 1) // tick * tick, (price // tick + 1) * tick
        bids = tuple((below - i * tick, size) for i in range(LEVELS) if below > i * tick)
        return BookView(place + 1, bids, tuple((above + i * tick, size) for i in range(LEVELS)))
