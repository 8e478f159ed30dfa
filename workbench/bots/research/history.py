"""What the account was worth, and when: equity at each bar close, marks now, day's profit in market time."""

from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime

from workbench.bots.research.account import equity_curve
from workbench.bots.research.book import Book
from workbench.bots.research.session import Session
from workbench.bots.research.trader import Moment
from workbench.domain.portfolio import EquityPoint

KEPT = 50_000  # a year of 10-minute bars


class History:
    """Equity points of the current run, the newest market time acted on, and the wall time at which its data came."""

    def __init__(self) -> None:
        self.points: deque[EquityPoint] = deque(maxlen=KEPT)
        self.market_time: datetime | None = None
        self.data_at: datetime | None = None
        self._run_id = ""

    def begin(self, session: Session) -> None:
        """Take up a session: in the same run the points stay, in a new one they are drawn from its fills."""
        if session.run_id != self._run_id:
            self.points.clear()
            self._run_id = session.run_id
        if not self.points:
            self._draw(session)
        at_ms = max((at_ms for at_ms, _ in self.last_closes(session).values()), default=0)
        self.market_time = datetime.fromtimestamp(at_ms / 1000, UTC) if at_ms else None
        self.data_at = datetime.now(UTC)

    def note(self, session: Session, moment: Moment) -> None:
        """Keep what the account is worth at this close; unknown is not kept."""
        self.market_time = moment.at
        worth = session.account.book.worth(moment.closes)
        if worth is not None and (not self.points or self.points[-1].at < moment.at):
            self.points.append(EquityPoint(moment.at, float(worth), session.account.book.quote))

    def since(self, at: datetime | None) -> tuple[EquityPoint, ...]:
        return tuple(point for point in self.points if at is None or point.at >= at)

    def day_start(self, started_with: float) -> float:
        """Worth at the last bar close at or before midnight UTC of the market's day; before that, the start."""
        if self.market_time is None:
            return started_with
        midnight = self.market_time.replace(hour=0, minute=0, second=0, microsecond=0)
        for point in reversed(self.points):
            if point.at <= midnight:
                return point.equity
        return started_with

    @staticmethod
    def last_closes(session: Session) -> dict[str, tuple[int, float]]:
        """Close time (ms) and price of each market's newest closed bar."""
        found = {}
        for symbol in session.symbols:
            table = session.feed.closed(symbol)
            if len(table):
                opened_ms = int(table.index[-1].timestamp() * 1000)
                found[symbol] = (opened_ms + session.timeframe.milliseconds, float(table["close"].iloc[-1]))
        return found

    @classmethod
    def marks(cls, session: Session) -> Mapping[str, float]:
        """Newest prices: overheard ones, else the last close."""
        return {symbol: close for symbol, (_, close) in cls.last_closes(session).items()} | session.marks.prices

    @classmethod
    def moment_ms(cls, session: Session) -> int:
        """The venue's clock as far as it was heard."""
        now = session.feed.market_time
        return int(now.timestamp() * 1000) if now else 0

    def _draw(self, session: Session) -> None:
        """The curve of a bot that has been restarted, from the venue's fills and the candles at hand."""
        account = session.account
        book = Book(account.book.quote, account.book.steps, account.book.started_with)
        closes: dict[datetime, dict[str, float]] = {}
        for symbol in session.symbols:
            table = session.feed.closed(symbol)
            for opened_at, close in zip(table.index, table["close"], strict=True):
                closes.setdefault(opened_at.to_pydatetime() + session.timeframe.step, {})[symbol] = float(close)
        for at, worth in equity_curve(book, account.fills, dict(sorted(closes.items()))) if account.fills else ():
            self.points.append(EquityPoint(at, worth, book.quote))
