"""A venue in virtual time whose wire does everything a wire can do wrong, by a seed; what it says over REST is true.

It has the few things of a ccxt.pro exchange that the feed uses. `truth` are the bars that really were.
"""

import asyncio
import random
from datetime import UTC, datetime

import ccxt

STEP = 5
FAULTS = ("cut", "down", "half_open", "busy", "refusing", "twice", "shuffled", "lossy", "garbage", "calm")


class RoughVenue:
    id = "binance"

    def __init__(self, loop, seed, bars=6):
        self.loop, self.rng, self.bars = loop, random.Random(seed), bars
        self.has = {"watchOHLCV": True, "watchOHLCVForSymbols": True}
        self.options = {"workbenchUrl": "http://rough"}
        self.timeframes, self.markets, self.ears = {"5s": "5s"}, {"BTC/USD": {}}, set()
        self.last_response_headers = {}
        self.began = loop.time()
        self.words = sorted(self._market())
        self._truth = {row[0]: row for _, _, final, row in self.words if final}
        self.plan = self._plan()
        self.socket = None
        self.news_s = self.began  # when anything true last came through, by wire or by REST
        self._awake = asyncio.Event()

    def _market(self):
        """(second, bar, final, row): three forming words and a final one a bar; some bars do not exist."""
        rng, price = self.rng, 100.0
        missing = {n for n in range(20, 20 + self.bars) if rng.random() < 0.08}
        for n in range(20 + self.bars):
            if n in missing:
                continue
            first = price
            path = [first] + [round(first + rng.uniform(-2, 2), 2) for _ in range(3)]
            for part, _ in enumerate(path, start=1):
                seen = path[:part]
                row = [n * STEP * 1000, first, max(seen), min(seen), seen[-1], float(part)]
                at = (n - 20) * STEP + (part - 1) * 1.2 + 0.1
                yield at, n, False, row
            price = path[-1]
            yield (n - 19) * STEP, n, True, row

    def _plan(self):
        """[(from, to, fault)], one after the other, until the market has nothing more to say."""
        at, plan, end = 3.0, [], self.bars * STEP - 2.0
        while at < end:
            until = min(at + self.rng.uniform(1, 14), end)
            plan.append((at, until, self.rng.choice(FAULTS)))
            at = until + self.rng.uniform(0, 4)
        return plan

    @property
    def now(self):
        return self.loop.time() - self.began

    @property
    def clock_ms(self):
        return int((20 * STEP + max(self.now, 0.0)) * 1000)

    @property
    def fault(self):
        return next((fault for start, end, fault in self.plan if start <= self.now < end), "calm")

    @property
    def healed_s(self):
        """When the last fault was over."""
        return self.plan[-1][1] if self.plan else 0.0

    def rows(self, final_only=False):
        """What REST knows now: whole bars, then the forming one."""
        now = self.now
        found = {n: row for at, n, final, row in self.words if at <= now and (final or not final_only)}
        return [found[n] for n in sorted(found)]

    @property
    def truth(self):
        return self._truth

    async def play(self):
        """Say every word at its time, as well as the wire lets it."""
        late = []
        for at, _, final, row in self.words:
            if at <= self.now:
                continue
            await asyncio.sleep(at - self.now)
            fault = self.fault
            if fault in ("cut", "down"):
                self.break_off()
            if fault in ("cut", "down", "half_open") or self.socket is None:
                continue
            if fault == "lossy" and self.rng.random() < 0.6:
                continue
            if fault == "garbage" and self.rng.random() < 0.7:
                self._say(self._nonsense(row), self.rng.random() < 0.3)
            if fault == "shuffled":
                late.append((row, final))
                if len(late) < 4:
                    continue
                self.rng.shuffle(late)
            else:
                late.append((row, final))
            for word in late:
                for _ in range(3 if fault == "twice" else 1):
                    self._say(*word)
            late.clear()
            self.news_s = self.loop.time()

    def _nonsense(self, row):
        nan = float("nan")
        broken = [
            [row[0], row[1], row[3] - 5, row[2] + 5, row[4], row[5]],
            [row[0], *[nan] * 5],
            [row[0], 0.0, 0.0, 0.0, 0.0, 1.0],
        ]
        return self.rng.choice(broken)

    def _say(self, row, final):
        for ear in tuple(self.ears):
            ear.heard("BTC/USD", "5s", list(row), final, self.clock_ms)
        self._awake.set()

    def break_off(self):
        if self.socket is not None:
            self.socket = None
            for ear in tuple(self.ears):
                ear.cut("closed with 1006")
            self._awake.set()

    @property
    def clients(self):
        return {"ws": self} if self.socket else {}

    subscriptions = ("ohlcv::BTC/USD::5s",)

    def on_error(self, _error):
        self.break_off()

    async def load_markets(self):
        return self.markets

    async def fetch(self, _url):
        await self._answer()
        at = datetime.fromtimestamp(self.clock_ms / 1000, UTC)
        return {"market_time": at.isoformat(), "mode": "mirror", "speed": 1, "paused": False}

    async def fetch_ohlcv(self, _symbol, _timeframe, since, limit):
        await self._answer()
        rows = [list(row) for row in self.rows() if since is None or row[0] >= since]
        self.news_s = self.loop.time()
        return rows[-limit:] if since is None else rows[:limit]

    async def _answer(self):
        await asyncio.sleep(self.rng.uniform(0.01, 0.15))
        if self.fault == "busy" and self.rng.random() < 0.8:
            self.last_response_headers = {"Retry-After": str(self.rng.randint(1, 5))}
            raise ccxt.RateLimitExceeded("429 too many requests")
        if self.fault == "down":
            await asyncio.sleep(self.rng.uniform(0, 2))
            raise ccxt.RequestTimeout("no answer")
        if self.fault == "refusing":
            raise ccxt.ExchangeNotAvailable("503 come back later")

    async def watch_ohlcv_for_symbols(self, _pairs):
        if self.socket is None:
            await asyncio.sleep(0.05)
            if self.fault in ("cut", "down"):
                raise ccxt.NetworkError("cannot connect")
            self.socket = object()
        self._awake.clear()
        await self._awake.wait()

    async def close(self):
        self.socket = None
