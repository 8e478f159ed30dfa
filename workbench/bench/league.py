"""The league over ten million scored forecasts: how long the ledger takes to answer.

How it is filled, honestly: 10 bots × 10 markets × 4 horizons, one forecast every half hour for 25,000 half hours (17
months), three regimes. Scores are drawn (Student t, the better bots smaller), then pass through the code that the desk
itself uses: `quant.league_sums.fold`, and `ForecastSums.add` in write transactions, in batches of half a million.
League tables read the running sums only, so these ten million are in the sums; single forecasts with their scores are
stored for `rows` of them, through `ForecastBook.record` and `settle`. All ten million single rows would weigh several
gigabytes and change no figure here: no query of a league reads them.

query_ms : slowest of nine answers of `IntelligenceSharing.league` by bot × market × horizon, Diebold–Mariano against
the best of each group included; ledger in SQLite. median_ms : their median; query_cpu_ms : mean processor time of one.
By the same clock, slowest of nine: regime_ms, by bot × market × horizon × regime; bots_ms, by bot alone; market_ms, one
market. fill_s : the filling.
record_us, score_us : a forecast kept, a forecast scored (trust included), in a round of ten bots.
Not quick: the same on PostgreSQL where a server program is here (query_ms_postgresql).
"""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from workbench.domain.desk import MarketClock
from workbench.domain.forecasts import Forecast
from workbench.domain.market import Timeframe
from workbench.domain.portfolio import MoneyMode
from workbench.ledger.forecast_sums import Filter
from workbench.ledger.log import SqlLedger, open_ledger
from workbench.orchestration.forecast_bars import Closes
from workbench.orchestration.intelligence_sharing import IntelligenceSharing
from workbench.quant.league_sums import Batch, Key, fold

BOTS = tuple(f"bot{number}" for number in range(10))
SYMBOLS = tuple(f"C{number}/USDT" for number in range(10))
HORIZONS_S = (1800, 14_400, 86_400, 259_200)
REGIMES = ("calm", "usual", "wild")
ORIGINS, A_DAY, DAYS_A_BATCH = 25_000, 48, 25
BAR, BEGAN, WORLD = Timeframe.parse("30m"), datetime(2023, 1, 1, tzinfo=UTC), "bench"
LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
ROUNDS = 200
RUNS = 9


def figures(quick: bool = False) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        ledger = open_ledger(Path(folder) / "ledger.sqlite")
        began = time.perf_counter()
        count = _fill(ledger)
        found = {"forecasts": float(count), "fill_s": time.perf_counter() - began}
        found |= asyncio.run(_queries(ledger))
        found |= asyncio.run(_singles(ledger))
        ledger.close()
    return found if quick else found | _on_postgresql()


def _fill(ledger: SqlLedger) -> int:
    rng, count = np.random.default_rng(20240101), 0
    for batch in _batches(rng):
        sums, days = fold(batch)
        with ledger._store.write(durable=False) as connection:
            ledger.forecasts.sums.add(connection, WORLD, sums, days)
        count += len(batch.code)
    return count


def _batches(rng: np.random.Generator) -> Iterator[Batch]:
    """All bots, markets and horizons, some days at a time."""
    days = -(-ORIGINS // A_DAY)
    for first in range(0, days, DAYS_A_BATCH):
        dates = [BEGAN + timedelta(days=day) for day in range(first, min(first + DAYS_A_BATCH, days))]
        origins = [min(A_DAY, ORIGINS - day * A_DAY) for day in range(first, first + len(dates))]
        yield _batch(rng, dates, origins)


def _batch(rng: np.random.Generator, dates: list[datetime], origins: list[int]) -> Batch:
    pairs = [(bot, symbol, ahead) for bot in range(len(BOTS)) for symbol in SYMBOLS for ahead in HORIZONS_S]
    keys, repeats = [], []
    for bot, symbol, ahead in pairs:
        for date, count in zip(dates, origins, strict=True):
            regime = REGIMES[(date.toordinal() // 3) % 3]
            keys.append(Key(BOTS[bot], symbol, BAR.text, ahead, regime, date.year * 100 + date.month, date.day))
            repeats.append(count)
    code = np.repeat(np.arange(len(keys)), repeats)
    skill = np.repeat([1 + 0.01 * int(key.bot_id[3:]) for key in keys], repeats)
    size = np.abs(rng.standard_normal(len(code), dtype=np.float32)).astype(float)
    pit = rng.random(len(code))
    vol = np.where(pit < 0.5, 0.3 * size, np.nan)
    ends = np.full(len(code), 0.05)
    return Batch(keys, code, 0.6 * size * skill, 0.6 * size, 0.2 * size, pit, ends, 1 - ends, vol, 1.1 * vol)


async def _queries(ledger: SqlLedger) -> dict[str, float]:
    shared = IntelligenceSharing(ledger)
    began = time.process_time()
    usual = await _timed(shared, ("bot", "symbol", "horizon"))
    cpu_ms = (time.process_time() - began) * 1000 / (RUNS + 1)
    return {
        "query_ms": max(usual),
        "median_ms": float(np.median(usual)),
        "query_cpu_ms": cpu_ms,
        "regime_ms": max(await _timed(shared, ("bot", "symbol", "horizon", "regime"))),
        "bots_ms": max(await _timed(shared, ("bot",))),
        "market_ms": max(await _timed(shared, ("bot", "horizon"), Filter(symbol=SYMBOLS[3]))),
    }


async def _timed(shared: IntelligenceSharing, by: tuple[str, ...], wanted: Filter | None = None) -> list[float]:
    spent = []
    await shared.league(by, wanted, WORLD)  # imports and the first opening of the file are paid once a process
    for _ in range(RUNS):
        began = time.perf_counter()
        found = await shared.league(by, wanted, WORLD)
        spent.append((time.perf_counter() - began) * 1000)
        assert found.rows
    return spent


class _Bars:
    """One random walk for the single forecasts."""

    def __init__(self) -> None:
        moves = np.random.default_rng(2).normal(0, 0.005, 2000)
        self.prices = 100 * np.exp(moves.cumsum())

    async def closes(self, symbol: str, since: datetime, until: datetime, market: MarketClock) -> Closes:
        first, last = ((at - BEGAN) // BAR.step for at in (since, until))
        return Closes(BEGAN + first * BAR.step, BAR, self.prices[first : last + 1])


async def _singles(ledger: SqlLedger) -> dict[str, float]:
    """Forecasts one by one, as a desk keeps and scores them."""
    bars = _Bars()
    shared = IntelligenceSharing(ledger, bars)
    await shared.record(_round(bars, 900), _clock(900))
    await shared.score_matured(_clock(960))
    began = time.perf_counter()
    for number in range(1000, 1000 + ROUNDS):
        await shared.record(_round(bars, number), _clock(number))
    kept = time.perf_counter()
    told = await shared.score_matured(_clock(1000 + ROUNDS + 48))
    scored = time.perf_counter()
    rows = ROUNDS * len(BOTS)
    return {"rows": told.scored, "record_us": (kept - began) / rows * 1e6, "score_us": (scored - kept) / rows * 1e6}


def _round(bars: _Bars, number: int) -> list[Forecast]:
    price, shape = float(bars.prices[number]), np.array([-1.64, -1.28, -0.67, 0.0, 0.67, 1.28, 1.64])
    seen_at, widths = BEGAN + number * BAR.step, np.linspace(0.02, 0.08, len(BOTS))
    fans = {bot: tuple((price * np.exp(width * shape)).tolist()) for bot, width in zip(BOTS, widths, strict=True)}
    return [Forecast(bot, SYMBOLS[0], BAR, 48, LEVELS, values, price, seen_at) for bot, values in fans.items()]


def _clock(number: int) -> MarketClock:
    return MarketClock(MoneyMode.REPLAY, BEGAN + number * BAR.step, 1.0, False, "single", "bench", BAR.text)


def _on_postgresql() -> dict[str, float]:
    """A key only where a server can be started here."""
    try:
        from tests.support import needs
        from tests.support.postgres import server
    except ImportError:
        return {}
    if not needs.postgres():
        return {}
    with server() as running:
        ledger = open_ledger(running.new_ledger())
        _fill(ledger)
        found = asyncio.run(_queries(ledger))
        ledger.close()
    return {"query_ms_postgresql": found["query_ms"], "regime_ms_postgresql": found["regime_ms"]}
