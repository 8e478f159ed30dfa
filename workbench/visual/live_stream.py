"""One live chart between a feed and its viewers: takes every word of the market, sends each page what it can draw."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime
from typing import Any

import ccxt
import pandas as pd
import structlog

from workbench.domain.errors import ExchangeError, WorkbenchError
from workbench.domain.forecasts import Forecast
from workbench.visual.forecast_overlay import ForecastOverlay
from workbench.visual.live_chart import Json, LiveChartRenderer, freshness, stale_after_s
from workbench.visual.live_feeds import FeedKey, FeedLease, WebSocketManager
from workbench.visual.stream_ports import Outlook, StreamSettings, TradeSource
from workbench.visual.trade_rows import told
from workbench.visual.viewer_pace import Pacing, ViewerPace

log = structlog.get_logger(__name__)
Send = Callable[[Json], None]
_SETTLED = 64  # bars that may still be amended are looked at again with each close
_AGAIN_S = 5.0
_GATHER_S = 0.002  # words of one packet go out as one message


class Viewer:
    """One page. `send` gets JSON messages; what the page says goes to `hear`."""

    def __init__(self, stream: "LiveStream", send: Send, pacing: Pacing, now: float):
        self._stream, self._send = stream, send
        self.pace = ViewerPace(pacing, now)
        self.told_s = now

    def hear(self, content: Mapping[str, Any]) -> None:
        """'drew' and 'beat' with a rev: the page is there and shows it; 'hello': it has `rev` and no more; 'bye'."""
        now, rev = asyncio.get_running_loop().time(), content.get("rev")
        rev = rev if isinstance(rev, int) else -1
        kind = content.get("kind")
        if kind == "hello":
            self.pace.lost(now)
            self.pace.rev = rev
        elif kind == "drew":
            self.pace.drew(rev, now)
        elif kind == "beat":
            self.pace.sign(now)
        elif kind == "bye":
            self.pace.gone()
        self._stream.wake()

    def push(self, message: Json, now: float) -> None:
        self.told_s = now
        if message["kind"] != "beat":
            self.pace.sent(message["rev"], now)
        self._send(message)


class LiveStream:
    """`start`, then `attach` pages. With pages that have all left it sleeps, its feed given back, until one returns."""

    def __init__(
        self,
        feeds: WebSocketManager,
        key: FeedKey,
        outlook: Outlook | None,
        settings: StreamSettings | None = None,
        trades: TradeSource | None = None,
    ):
        self.key, self.settings = key, settings or StreamSettings()
        self.renderer = LiveChartRenderer(key.symbol, key.timeframe, self.settings.keep)
        self.overlay = ForecastOverlay(key.symbol, key.timeframe)
        self.viewers: list[Viewer] = []
        self._feeds, self._outlook, self._trades = feeds, outlook, trades
        self._lease: FeedLease | None = None
        self._task: asyncio.Task | None = None
        self._asides: dict[str, asyncio.Task] = {}  # questions that the ticks must not wait for
        self._timer: asyncio.TimerHandle | None = None
        self._letting_go: asyncio.Future[None] | None = None
        self._woken = asyncio.Event()
        self._seen = (0, 0)  # newest closed bar and amendments that were taken over from the feed
        self._look_due, self._mode_s, self._traded_s = False, float("-inf"), float("-inf")

    async def start(self) -> None:
        """Have the history and begin. Raises SymbolError, TimeframeError or ExchangeError."""
        if self._task is None:
            await self._open()
            self._task = asyncio.create_task(self._run(), name=f"live chart {self.key.symbol} {self.key.timeframe}")
            self._task.add_done_callback(_tell)

    async def stop(self) -> None:
        """Free everything. May be repeated."""
        tasks = [task for task in (self._task, *self._asides.values()) if task is not None]
        self._task, self._asides = None, {}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        if self._timer is not None:
            self._timer.cancel()
        self.viewers.clear()
        await self._close()

    def attach(self, send: Send) -> Viewer:
        """A page: it hears everything first, then what changes."""
        viewer = Viewer(self, send, self.settings.pacing, asyncio.get_running_loop().time())
        self.viewers.append(viewer)
        return viewer

    def detach(self, viewer: Viewer) -> None:
        if viewer in self.viewers:
            self.viewers.remove(viewer)

    @property
    def lease(self) -> FeedLease:
        """The feed beneath. Raises ExchangeError while it has none."""
        if self._lease is None:
            raise ExchangeError(f"the chart of {self.key.symbol} has no feed now; start it, or open its page")
        return self._lease

    @property
    def asleep(self) -> bool:
        """Its feed is given back, because no page is there."""
        return self._lease is None and self._abandoned()

    def update_forecast_overlay(self, forecast_data: Forecast | Mapping[str, Any] | None) -> None:
        """Show another forecast, or none. Raises ValueRefused."""
        self.renderer.put("overlay", self.overlay.update_forecast_overlay(forecast_data))
        self.flush()

    def look_at_trades(self) -> None:
        """A trade has opened or closed: they are looked at with the next tick."""
        self._traded_s = float("-inf")

    def wake(self) -> None:
        """A page gave a sign, or there is something to send."""
        self._woken.set()
        self.flush()

    def flush(self) -> None:
        """Send every page that is ready what changed, and come back for those that soon will be."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        ready = [viewer for viewer in self.viewers if viewer.pace.due_s(self._now) is not None]
        if ready:
            self._sync()
        waits = [wait for viewer in ready if (wait := self._serve(viewer)) > 0]
        if waits:
            self._flush_in(min(waits))

    def _hear(self) -> None:
        """The market has said something: send it with what arrives beside it."""
        if self._timer is None or self._timer.when() > self._now + _GATHER_S:
            self._flush_in(_GATHER_S)

    def _flush_in(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self.flush)

    def _serve(self, viewer: Viewer) -> float:
        """Send, or the seconds to wait before; 0 where nothing is left to send."""
        now = self._now
        wait = viewer.pace.due_s(now)
        message = self.renderer.changes(viewer.pace.rev)
        if message is None and now - viewer.told_s >= self.settings.beat_s:
            message = {"kind": "beat", "rev": self.renderer.rev}
        if message is None or wait is None:
            return 0.0
        if wait <= 0:
            viewer.push({**message, "age_ms": self._age_ms()}, now)
        return wait

    @property
    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _abandoned(self) -> bool:
        return bool(self.viewers) and not any(viewer.pace.there(self._now) for viewer in self.viewers)

    async def _run(self) -> None:
        while True:
            if self._abandoned():
                await self._sleep()
            elif self._lease is None:
                await self._reopen()
            else:
                await self._watch(self._lease)

    async def _watch(self, lease: FeedLease) -> None:
        """One tick, or the end of the feed."""
        try:
            async with asyncio.timeout(self.settings.tick_s):
                await lease.feed.wait(lambda: False)
                raise ExchangeError("the feed was stopped")
        except TimeoutError:
            self._tick(lease)
        except WorkbenchError as error:
            await self._fail(error)

    def _tick(self, lease: FeedLease) -> None:
        self._sync()
        self._judge(lease)
        self.flush()
        if self._now - self._mode_s >= self.settings.mode_s and self._aside("mode", self._ask_mode, lease):
            self._mode_s = self._now
        if self._look_due and self._outlook and self._aside("outlook", self._look, lease):
            self._look_due = False
        due = self._now - self._traded_s >= self.settings.trades_s
        if due and self._trades and self._aside("trades", self._look_at_trades, lease):
            self._traded_s = self._now

    def _aside(self, name: str, ask: Callable[[FeedLease], Coroutine[Any, Any, None]], lease: FeedLease) -> bool:
        """Ask without waiting; False where the last question of that name is still open."""
        if name in self._asides and not self._asides[name].done():
            return False
        self._asides[name] = asyncio.create_task(ask(lease), name=f"{name} of {self.key.symbol}")
        self._asides[name].add_done_callback(_tell)
        return True

    def _judge(self, lease: FeedLease) -> None:
        mode = self.renderer.part("mode") or {}
        silent_s, unasked_s = lease.ages_s()
        limit_s = stale_after_s(self.key.timeframe.seconds / (mode.get("speed") or 1.0))
        state = freshness(silent_s, unasked_s, limit_s)
        words = {"quiet": "the venue has nothing newer", "stale": "no word from the venue"}.get(state, "")
        if lease.lane.watch.torn:
            words = "the connection broke; dialling again"
        self.renderer.put("status", {"state": state, "words": words})

    async def _ask_mode(self, lease: FeedLease) -> None:
        try:
            self.renderer.put("mode", await lease.mode())
        except (ccxt.BaseError, KeyError, ValueError) as error:
            log.debug("venue_mode_unknown", venue=self.key.venue.name, error=str(error))

    async def _look(self, lease: FeedLease) -> None:
        assert self._outlook is not None
        try:
            seen = await self._outlook.look(self.key.symbol, self.key.timeframe, lease.feed.closed(self.key.symbol))
            self.overlay.update_forecast_overlay(seen.forecast)
        except WorkbenchError as error:
            log.warning("outlook_failed", symbol=self.key.symbol, error=str(error))
            return
        self.renderer.put("overlay", self.overlay.view())
        self.renderer.put("ribbon", seen.ribbon)
        self.renderer.put("confidence", seen.confidence)
        self.flush()

    async def _look_at_trades(self, _lease: FeedLease) -> None:
        assert self._trades is not None
        try:
            seen = await self._trades.look(self.key.symbol)
        except WorkbenchError as error:
            log.warning("trades_not_read", symbol=self.key.symbol, error=str(error))
            return
        bars, step_ms = self.renderer.bars, self.key.timeframe.milliseconds
        if bars and self.renderer.put_trades(*told(seen, bars, step_ms, datetime.now(UTC))):
            self.flush()

    def _sync(self) -> None:
        """Bring the chart in line with the feed; of the closed bars only those that may have changed are looked at."""
        if self._lease is None:
            return
        lane, amended = self._lease.lane, self._lease.feed.state.amended
        newest, seen = lane.store.last_ms, self._seen
        if (newest, amended) == seen:
            self.renderer.sync((), lane.watch.forming)
            return
        last = seen[0]
        self._seen = (newest or last, amended)
        missed = ((newest or last) - last) // self.key.timeframe.milliseconds
        rows = lane.store.newest(_SETTLED + missed)
        self.renderer.sync(rows, lane.watch.forming)
        for row in rows:
            if row[0] > last:
                closed_at = pd.Timestamp(int(row[0]) + self.key.timeframe.milliseconds, unit="ms", tz="UTC")
                self.overlay.closed(closed_at.to_pydatetime(), row[4])
        self.renderer.put("overlay", self.overlay.view())
        self._look_due = True

    async def _open(self) -> None:
        lease = await self._feeds.acquire(self.key.symbol, self.key.timeframe, self.key.venue)
        self._lease = lease
        lease.listen(self._hear)
        self._seen, self._look_due = (lease.lane.store.last_ms or 0, lease.feed.state.amended), True
        self.renderer.load(lease.lane.store.newest(self.settings.keep), lease.lane.watch.forming)
        self._mode_s = self._now
        await self._ask_mode(lease)
        self._judge(lease)

    async def _reopen(self) -> None:
        try:
            await self._open()
            self.flush()
        except WorkbenchError as error:
            await self._fail(error)

    async def _fail(self, error: WorkbenchError) -> None:
        """Say that the feed is down, and let some time pass before it is tried again."""
        log.warning("live_chart_down", symbol=self.key.symbol, error=str(error))
        await self._close()
        self.renderer.put("status", {"state": "down", "words": str(error)[:200]})
        self.flush()
        await asyncio.sleep(_AGAIN_S)

    async def _sleep(self) -> None:
        await self._close()
        self._woken.clear()
        if self._abandoned():
            await self._woken.wait()

    async def _close(self) -> None:
        lease, self._lease = self._lease, None
        if lease is not None:
            self._letting_go = asyncio.ensure_future(lease.release())
        if self._letting_go is not None:
            await asyncio.shield(self._letting_go)  # whoever is cancelled here leaves no socket open

    def _age_ms(self) -> int | None:
        """How old the newest word of the market is."""
        silent_s = self._lease.ages_s()[0] if self._lease else float("inf")
        return round(silent_s * 1000) if silent_s < 1e9 else None


def _tell(task: asyncio.Task) -> None:
    if not task.cancelled() and (error := task.exception()):
        log.error("live_chart_died", error=f"{type(error).__name__}: {error}")
