"""What a research bot says when asked: forecast, plan, analysis, tuning. Reads closed bars only; never trades."""

import asyncio
import threading
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.bots.research.engine import Engine
from workbench.bots.research.pickup import ModelPickup
from workbench.bots.research.session import Session
from workbench.bots.research.strategy import LEVELS, Decision, Enter, Holding, Keep, Leave, Strategy, position_size
from workbench.bots.research.tuning import Cancelled, Watch, search
from workbench.domain.errors import BotError, WorkbenchError
from workbench.domain.features import BotFeatures
from workbench.domain.forecasts import Analysis, Forecast, Plan, TuneResult
from workbench.domain.market import Timeframe, resolve_symbol
from workbench.domain.portfolio import BotState
from workbench.domain.ports import Progress
from workbench.market.exchange import fetch_candles
from workbench.market.timeframes import resample
from workbench.quant.regimes import roughness

DAY_S = 86_400
TUNE_BARS = 4_000
LEAST_BARS = 400


@dataclass(frozen=True)
class Asked:
    """A question understood. `base`: closed bars of the bot's own length up to the last close of the asked one."""

    session: Session
    symbol: str
    timeframe: Timeframe
    ratio: int
    base: pd.DataFrame
    mind: Strategy

    @property
    def seen_at(self):
        return (self.base.index[-1] + pd.Timedelta(self.session.timeframe.step)).to_pydatetime()


class Answers:
    def __init__(self, bot_id: str, engine: Engine, pickup: ModelPickup, scheduler: str = ""):
        self.bot_id, self.engine, self.pickup, self._scheduler = bot_id, engine, pickup, scheduler

    async def forecast(self, symbol: str, timeframe: str, horizon: int | None) -> Forecast:
        """The fan `horizon` bars ahead (24 hours without one), in the bot's own bars: exact for every longer length."""
        asked = self._understand(symbol, timeframe)
        bars = horizon or max(1, DAY_S // asked.timeframe.seconds)
        try:
            values, volatility, version = await asyncio.to_thread(_opinion, asked, bars * asked.ratio, self.pickup)
        except ValueError as error:
            raise BotError(f"{self.bot_id} has no forecast for {asked.symbol}: {error}; ask again later") from error
        return Forecast(
            bot_id=self.bot_id,
            symbol=asked.symbol,
            timeframe=asked.timeframe,
            horizon=bars,
            levels=LEVELS,
            values=values,
            reference=float(asked.base["close"].iloc[-1]),
            seen_at=asked.seen_at,
            model_version=version,
            volatility=volatility,
        )

    async def plan(self, symbol: str, timeframe: str) -> Plan:
        """What the bot would do at the newest close of that bar length."""
        asked = self._understand(symbol, timeframe)
        candles = await self._bars(asked, asked.mind.lookback + 1)
        holding = self._holding(asked)
        decision = asked.mind.decide(candles, holding)
        known = {"bot_id": self.bot_id, "symbol": asked.symbol, "timeframe": asked.timeframe, "seen_at": asked.seen_at}
        return Plan(**known, **self._said(asked, decision, holding, float(candles["close"].iloc[-1])))

    async def analyze(self, symbol: str, timeframe: str) -> Analysis:
        asked = self._understand(symbol, timeframe)
        if not asked.mind.ready:
            raise BotError(f"{self.bot_id} cannot read {asked.symbol} yet: it is still learning; ask again in a moment")
        candles = await self._bars(asked, asked.mind.lookback + 1)
        rows = asked.mind.prepare(candles, last=1)
        words, figures = asked.mind.describe(rows, -1)
        figures = {**figures, "turbulent": roughness(np.diff(np.log(candles["close"].to_numpy())))}
        finite = {name: value for name, value in figures.items() if np.isfinite(value)}
        decision = asked.mind.judge(rows, -1, self._holding(asked))
        summary = f"{words} {type(decision).__name__}: {decision.reason}."
        return Analysis(self.bot_id, asked.symbol, asked.timeframe, summary, finite, asked.seen_at)

    async def features(self, symbol: str, timeframe: str) -> BotFeatures:
        """Numbers of the newest close from which others may learn."""
        asked = self._understand(symbol, timeframe)
        candles = await self._bars(asked, asked.mind.lookback + 1)
        offered = asked.mind.offer(asked.mind.prepare(candles, last=1), -1)
        known = {name: value if np.isfinite(value) else None for name, value in offered.items()}
        return BotFeatures(self.bot_id, asked.symbol, asked.timeframe, known, asked.seen_at)

    async def tune(self, symbol: str, timeframe: str, progress: Progress | None) -> TuneResult:
        """Walk-forward search, in a thread or on a cluster; adopted if better out of sample, on the bot's own bars."""
        asked = self._understand(symbol, timeframe)
        panel = await self._panel(asked)
        stop, loop = threading.Event(), asyncio.get_running_loop()

        def tell(fraction: float, words: str) -> None:
            if progress and not stop.is_set():
                loop.call_soon_threadsafe(progress, fraction, words)

        watch = Watch(tell, stop.is_set)
        try:
            about = asked.mind, panel, asked.symbol, asked.timeframe.seconds
            found = await asyncio.to_thread(search, *about, watch, self._scheduler)
        except ValueError as error:
            raise BotError(f"{self.bot_id} cannot tune {asked.symbol}: {error}") from error
        except Cancelled as error:
            raise BotError(f"the tuning of {asked.symbol} was cancelled") from error
        finally:
            stop.set()
        adopted = found.better and asked.ratio == 1
        if adopted:
            await self.engine.minds.adopt(asked.symbol, found.best)
        return TuneResult(
            bot_id=self.bot_id,
            symbol=asked.symbol,
            timeframe=asked.timeframe,
            best=found.best,
            score=found.score,
            current_score=found.current_score,
            tried=found.tried,
            folds=found.folds,
            adopted=adopted,
            seen_at=asked.seen_at,
        )

    def _understand(self, symbol: str, timeframe: str) -> Asked:
        """Raises BotError: a market or bar length this bot does not see, or nothing seen yet."""
        session = self.engine.session
        if session is None:
            raise BotError(f"{self.bot_id} has not seen the market yet ({self.engine.trouble}); ask again in a moment")
        try:
            found, bars = resolve_symbol(symbol, session.symbols).symbol, Timeframe.parse(timeframe)
        except WorkbenchError as error:
            raise BotError(f"{self.bot_id}: {error}") from error
        own = session.timeframe
        if bars.seconds % own.seconds or bars.seconds < own.seconds:
            raise BotError(f"{self.bot_id} sees {own} bars and cannot make {bars} of them; ask for a multiple of {own}")
        table = session.feed.closed(found)
        closes_s = (table.index.as_unit("s").asi8 + own.seconds - bars.anchor_s) % bars.seconds
        whole = np.flatnonzero(closes_s == 0)
        if not len(whole):
            raise BotError(f"{self.bot_id} has no closed {bars} bar of {found} yet; ask for {own}")
        return Asked(
            session, found, bars, bars.seconds // own.seconds, table.iloc[: whole[-1] + 1], self.engine.minds.of(found)
        )

    async def _bars(self, asked: Asked, count: int) -> pd.DataFrame:
        """At least `count` bars of the asked length, read over REST where memory holds too few."""
        base = asked.base
        if len(base) < count * asked.ratio:
            base = await self._read(asked, asked.symbol, count)
        candles = _longer(base, asked)
        if len(candles) < count:
            raise BotError(f"{self.bot_id} has {len(candles)} {asked.timeframe} bars of {asked.symbol}, needs {count}")
        return candles

    async def _read(self, asked: Asked, symbol: str, count: int) -> pd.DataFrame:
        """`count` bars' worth of own bars that ended by `asked.seen_at`."""
        own, until = asked.session.timeframe, int(asked.seen_at.timestamp() * 1000)
        since = until - int(1.05 * count * asked.ratio) * own.milliseconds  # some bars are missing
        pages = [page async for page, _ in fetch_candles(asked.session.exchange, symbol, own, since, until)]
        return pd.concat(pages) if pages else asked.base.iloc[:0]

    async def _panel(self, asked: Asked) -> dict[str, pd.DataFrame]:
        """Candles to tune on: of the market, and of all of them where the strategy learns."""
        if asked.mind.retrain:
            bars = asked.mind.history
            names: tuple[str, ...] = asked.session.symbols
        else:
            bars, names = TUNE_BARS, (asked.symbol,)
        panel = {}
        for name in names:
            base = await self._read(asked, name, bars)
            panel[name] = _longer(base, asked)
        return panel

    def _holding(self, asked: Asked) -> Holding | None:
        session = asked.session
        found = [p for p in session.account.positions(self.engine.history.marks(session), session.trader.stops)]
        position = next((p for p in found if p.symbol == asked.symbol), None)
        if position is None:
            return None
        return Holding(
            position.entry_price, position.stop, int((asked.seen_at - position.opened_at) / asked.timeframe.step)
        )

    def _said(self, asked: Asked, decision: Decision, holding: Holding | None, close: float) -> dict:
        book = asked.session.account.book
        if isinstance(decision, Enter):
            equity = book.worth(self.engine.history.marks(asked.session))
            size = position_size(
                asked.session.trader.budget, float(equity or 0), float(book.cash), close, decision.stop
            )
            blocked = "" if self.engine.standing.state is BotState.RUNNING else f" ({self.engine.standing.state.value})"
            reason = f"buy at the next open{blocked}: {decision.reason}"
            return {"side": "long", "entry": close, "stop": decision.stop, "targets": decision.targets} | {
                "size": size if size > 0 else 0.0,
                "reason": reason,
            }
        nothing: dict = {"entry": None, "targets": ()}
        if isinstance(decision, Keep) and holding:
            size = float(book.lot(asked.symbol).amount)
            reason = f"hold, bought at {holding.entry_price:,.6g}: {decision.reason}"
            return nothing | {"side": "long", "stop": decision.stop, "size": size, "reason": reason}
        word = "sell at the next open" if isinstance(decision, Leave) else "stay out"
        return nothing | {"side": "flat", "stop": None, "size": 0.0, "reason": f"{word}: {decision.reason}"}


def _opinion(asked: Asked, horizon: int, pickup: ModelPickup) -> tuple[tuple[float, ...], float | None, str]:
    """Fan, volatility and the model behind them: the desk's champion where one fits, else the bot's own."""
    session, mind = asked.session, asked.mind
    if held := pickup.of(session.timeframe.seconds, horizon):
        tables = {name: session.feed.closed(name) for name in session.symbols} | {asked.symbol: asked.base}
        own = session.timeframe.text
        said = pickup.told(session.world, own, asked.symbol, asked.seen_at) if held.joint.lifts else None
        if told := held.opinion(tables, asked.symbol, horizon, LEVELS, said):
            return *told, held.words
    return mind.fan(asked.base, horizon), mind.volatility(asked.base, horizon), mind.version


def _longer(base: pd.DataFrame, asked: Asked) -> pd.DataFrame:
    """Own bars as bars of the asked length."""
    return resample(base, asked.session.timeframe, asked.timeframe, asked.seen_at) if asked.ratio > 1 else base
