"""The paper exchange: one process, one port, Binance's spot dialect over REST and WebSocket."""

import asyncio
import contextlib
import errno
from typing import Any

import structlog
from aiohttp import web

from workbench.domain.errors import StartError
from workbench.market.paper_exchange import admin, rest, sockets
from workbench.market.paper_exchange.admin import ADMIN, Admin
from workbench.market.paper_exchange.books import Books
from workbench.market.paper_exchange.engine import Engine
from workbench.market.paper_exchange.floor import Floor
from workbench.market.paper_exchange.hub import Hub
from workbench.market.paper_exchange.listen_keys import ListenKeys
from workbench.market.paper_exchange.lockstep import Lockstep
from workbench.market.paper_exchange.mirror_venue import MirrorVenue
from workbench.market.paper_exchange.replay_venue import ReplayVenue
from workbench.market.paper_exchange.rest import FLOOR, WEIGHTS
from workbench.market.paper_exchange.settings import ExchangeOptions
from workbench.market.paper_exchange.store import Store
from workbench.market.paper_exchange.weights import Weights

log = structlog.get_logger(__name__)
HOST = "127.0.0.1"
REPLAY = "replay"


class PaperExchange:
    """Serves `options` until stopped. Listens on this machine only."""

    def __init__(self, options: ExchangeOptions):
        self.options = options
        self.url = ""
        self._runner: web.AppRunner | None = None
        self._store: Store | None = None
        self._play: asyncio.Task | None = None
        self.venue: ReplayVenue | MirrorVenue | None = None

    async def start(self, port: int = 0) -> str:
        """Open the doors, then let time run; returns the address. Raises StartError, leaving nothing behind."""
        try:
            self._store = Store(self.options.state) if self.options.state else None
            hub, lockstep = Hub(self.options.stamp), Lockstep(self.options.lockstep)
            engine = Engine(Books(self.options.terms))
            if self.options.source == REPLAY:
                self.venue = ReplayVenue(self.options, hub, engine, lockstep, self._store)
            else:
                self.venue = MirrorVenue(self.options, hub, engine, self._store)
            await self.venue.open()
            self.url = await self._listen(port, self.venue.floor, self._admin(lockstep))
        except BaseException:
            await self.stop()
            raise
        self._play = asyncio.create_task(self.venue.run(), name="paper-exchange")
        self._play.add_done_callback(self._tell)
        return self.url

    def _admin(self, lockstep: Lockstep) -> Admin:
        assert self.venue
        return Admin(self.venue, lockstep if self.options.source == REPLAY else None, self.options.admin_token)

    async def _listen(self, port: int, floor: Floor, commands: Admin) -> str:
        app = web.Application(middlewares=[rest.speak_binance])
        app[FLOOR], app[ADMIN], app[sockets.KEYS] = floor, commands, ListenKeys()
        app[WEIGHTS] = Weights(self.options.weight_limit)
        app.add_routes([*rest.routes(), *sockets.routes(), *admin.routes()])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, HOST, port, backlog=512)
        try:
            await site.start()
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            why = "is taken" if taken else f"cannot be used ({error.strerror})"
            raise StartError(f"port {port} {why}; choose another with --port, or 0 for any free one") from None
        return f"http://{HOST}:{self._runner.addresses[0][1]}"

    def ready(self) -> dict[str, Any]:
        """What the ready line says."""
        assert self.venue
        clock = self.venue.clock()
        return {"url": self.url} | {name: clock[name] for name in ("run_id", "mode", "symbols", "timeframe")}

    async def stop(self) -> None:
        """Stop time, say goodbye to every listener, keep the position, free the port."""
        if self._play:
            self._play.cancel()
            await asyncio.wait([self._play])
        if self.venue:
            await self.venue.close()
        if self._runner:
            await self._runner.cleanup()
        if self._store:
            self._store.close()
        self._runner = self._store = self._play = None

    async def failed(self) -> None:
        """Return only when time has stopped by a fault; raises it."""
        assert self._play
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.shield(self._play)

    def _tell(self, task: asyncio.Task) -> None:
        if not task.cancelled() and (error := task.exception()):
            log.error("paper_exchange_stopped", error=repr(error))
