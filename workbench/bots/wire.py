"""The JSON objects of the protocol, one pydantic model each. They read text and hand over domain values.

Strict: a number is a number, a time has its zone, NaN and infinity are refused.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from workbench.domain.features import MOST, BotFeatures
from workbench.domain.forecasts import Analysis, Forecast, Plan, TuneResult
from workbench.domain.market import Timeframe
from workbench.domain.portfolio import BotState, BotStatus, EquityPoint, Money, MoneyMode, Position, Trade

MAX_HORIZON = 10_000
Name = Annotated[str, Field(min_length=1, max_length=64)]
Words = Annotated[str, Field(max_length=4000)]


class Wire(BaseModel):
    """A JSON object read from a bot. Fields not known here are left alone: a newer bot may say more."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", allow_inf_nan=False)

    def domain(self) -> Any:
        """The domain value meant. Raises ValueRefused where it breaks its own rule."""
        raise NotImplementedError


class Asked(BaseModel):
    """A JSON object read from a caller: a field not known here is a mistake of theirs, and said."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)


class SymbolQuestion(Asked):
    """Body of POST plan, analyze, features, tune."""

    symbol: Name
    timeframe: Name


class ForecastQuestion(SymbolQuestion):
    """Body of POST forecast. `horizon` counts bars of `timeframe`; without it the bot answers for 24 hours."""

    horizon: int | None = Field(None, ge=1, le=MAX_HORIZON)


class CapabilitiesWire(Wire):
    bot_id: Name
    kind: Name
    capabilities: list[Name] = Field(max_length=100)
    symbols: list[Name] = Field(max_length=10_000)
    timeframe: Name
    gated: bool
    tags: list[Name] = Field(default_factory=list, max_length=100)
    version: str = "1"

    def domain(self) -> dict[str, Any]:
        return self.model_dump()


class MoneyWire(Wire):
    amount: float
    currency: Name

    def domain(self) -> Money:
        return Money(self.amount, self.currency)


class PositionWire(Wire):
    symbol: Name
    amount: float
    entry_price: float
    mark_price: float
    opened_at: AwareDatetime
    stop: float | None = None
    targets: list[float] = Field(default_factory=list, max_length=100)

    def domain(self) -> Position:
        at, targets = self.opened_at.astimezone(UTC), tuple(self.targets)
        return Position(self.symbol, self.amount, self.entry_price, self.mark_price, at, self.stop, targets)


class StatusWire(Wire):
    bot_id: Name
    state: Literal["running", "paused", "halted"]
    mode: Literal["replay", "paper", "live"]
    gated: bool
    equity: MoneyWire | None
    pnl: MoneyWire | None
    day_pnl: MoneyWire | None
    realised: MoneyWire | None
    positions: list[PositionWire] = Field(max_length=10_000)
    trade_count: int = Field(ge=0)
    ready: bool
    market_time: AwareDatetime | None
    data_at: AwareDatetime | None
    as_of: AwareDatetime
    detail: Words = ""

    def domain(self) -> BotStatus:
        money = {name: _money(getattr(self, name)) for name in ("equity", "pnl", "day_pnl", "realised")}
        return BotStatus(
            bot_id=self.bot_id,
            state=BotState(self.state),
            mode=MoneyMode(self.mode),
            gated=self.gated,
            positions=tuple(position.domain() for position in self.positions),
            trade_count=self.trade_count,
            ready=self.ready,
            market_time=_utc(self.market_time),
            data_at=_utc(self.data_at),
            as_of=self.as_of.astimezone(UTC),
            detail=self.detail,
            **money,
        )


class TradeWire(Wire):
    symbol: Name
    amount: float
    entry_price: float
    exit_price: float
    opened_at: AwareDatetime
    closed_at: AwareDatetime
    pnl: float
    fees: float
    reason: Words = ""

    def domain(self) -> Trade:
        times = {"opened_at": self.opened_at.astimezone(UTC), "closed_at": self.closed_at.astimezone(UTC)}
        return Trade(**{**self.model_dump(), **times})


class EquityPointWire(Wire):
    at: AwareDatetime
    equity: float
    currency: Name

    def domain(self) -> EquityPoint:
        return EquityPoint(self.at.astimezone(UTC), self.equity, self.currency)


class TradesWire(Wire):
    trades: list[TradeWire] = Field(max_length=100_000)

    def domain(self) -> tuple[Trade, ...]:
        return tuple(trade.domain() for trade in self.trades)


class EquityWire(Wire):
    points: list[EquityPointWire] = Field(max_length=1_000_000)

    def domain(self) -> tuple[EquityPoint, ...]:
        return tuple(point.domain() for point in self.points)


class ForecastWire(Wire):
    bot_id: Name
    symbol: Name
    timeframe: Name
    horizon: int = Field(ge=1, le=MAX_HORIZON)
    levels: list[float] = Field(min_length=1, max_length=999)
    values: list[float] = Field(min_length=1, max_length=999)
    reference: float
    seen_at: AwareDatetime
    model_version: Name = "1"
    volatility: float | None = None

    def domain(self) -> Forecast:
        return Forecast(
            bot_id=self.bot_id,
            symbol=self.symbol,
            timeframe=Timeframe.parse(self.timeframe),
            horizon=self.horizon,
            levels=tuple(self.levels),
            values=tuple(self.values),
            reference=self.reference,
            seen_at=self.seen_at.astimezone(UTC),
            model_version=self.model_version,
            volatility=self.volatility,
        )


class PlanWire(Wire):
    bot_id: Name
    symbol: Name
    timeframe: Name
    side: Literal["long", "flat"]
    entry: float | None
    stop: float | None
    targets: list[float] = Field(max_length=100)
    size: float = Field(ge=0)
    reason: Words
    seen_at: AwareDatetime

    def domain(self) -> Plan:
        return Plan(
            bot_id=self.bot_id,
            symbol=self.symbol,
            timeframe=Timeframe.parse(self.timeframe),
            side=self.side,
            entry=self.entry,
            stop=self.stop,
            targets=tuple(self.targets),
            size=self.size,
            reason=self.reason,
            seen_at=self.seen_at.astimezone(UTC),
        )


class TuneResultWire(Wire):
    bot_id: Name
    symbol: Name
    timeframe: Name
    best: dict[str, float | int | str]
    score: float
    current_score: float
    tried: int = Field(ge=0)
    folds: int = Field(ge=0)
    adopted: bool
    seen_at: AwareDatetime

    def domain(self) -> TuneResult:
        known = {"timeframe": Timeframe.parse(self.timeframe), "seen_at": self.seen_at.astimezone(UTC)}
        return TuneResult(**{**self.model_dump(), **known})


class AnalysisWire(Wire):
    bot_id: Name
    symbol: Name
    timeframe: Name
    summary: Words
    indicators: dict[str, float] = Field(default_factory=dict)
    seen_at: AwareDatetime | None = None

    def domain(self) -> Analysis:
        known = {"timeframe": Timeframe.parse(self.timeframe), "seen_at": _utc(self.seen_at)}
        return Analysis(**{**self.model_dump(), **known})


class FeaturesWire(Wire):
    """Null is a number that the bot does not know."""

    bot_id: Name
    symbol: Name
    timeframe: Name
    values: dict[Name, float | None] = Field(min_length=1, max_length=MOST)
    seen_at: AwareDatetime

    def domain(self) -> BotFeatures:
        known = {"timeframe": Timeframe.parse(self.timeframe), "seen_at": self.seen_at.astimezone(UTC)}
        return BotFeatures(**{**self.model_dump(), **known})


class JobWire(Wire):
    """A tuning under way or ended. `result` where it is done, `error` and `next` where it failed."""

    job_id: Name
    state: Literal["running", "done", "failed", "cancelled"]
    progress: float = Field(ge=0, le=1)
    words: Words = ""
    result: TuneResultWire | None = None
    error: Words = ""
    next: Words = ""
    code: str = ""


class Refusal(Wire):
    """Body of every answer that is not 2xx: what is wrong, what to do next, and a word for programs."""

    error: Words
    next: Words = ""
    code: Name = "bot_error"


def _money(wire: MoneyWire | None) -> Money | None:
    return None if wire is None else wire.domain()


def _utc(at: datetime | None) -> datetime | None:
    return None if at is None else at.astimezone(UTC)
