"""The paper exchange: one process, one port, Binance's spot dialect over REST and WebSocket."""

import asyncio
import errno
import socket
from typing import Any, Protocol

import structlog
from aiohttp import web

from workbench.domain.errors import StartError
from workbench.market.paper_exchange import admin, rest, sockets
from workbench.market.paper_exchange.admin import ADMIN, Admin, Clockwork
from workbench.market.paper_exchange.books import Books
from workbench.market.paper_exchange.engine import Engine
from workbench.market.paper_exchange.floor import Floor
from workbench.market.paper_exchange.hub import Hub
from workbench.market.paper_exchange.listen_keys import ListenKeys
from workbench.market.paper_exchange.lockstep import Lockstep
from workbench.market.paper_exchange.replay_venue import ReplayVenue
from workbench.market.paper_exchange.rest import FLOOR, WEIGHTS
from workbench.market.paper_exchange.settings import ExchangeOptions
from workbench.market.paper_exchange.store import Store
from workbench.market.paper_exchange.weights import Weights

log = structlog.get_logger(__name__)
HOST = "127.0.0.1"
REPLAY = "replay"


class MarketVenue(Clockwork, Protocol):
    """A market to serve: recorded or mirrored. Its floor is there once `open` has returned."""

    floor: Floor

    async def open(self) -> None: ...
    async def run(self) -> None: ...
    async def close(self) -> None: ...


class PaperExchange:
    """Serves `options` until stopped. Listens on this machine only."""

    def __init__(self, options: ExchangeOptions):
        self.options = options
        self.url = ""
        self._runner: web.AppRunner | None = None
        self._store: Store | None = None
        self._play: asyncio.Task | None = None
        self._door: socket.socket | None = None
        self._fault: asyncio.Future[None] | None = None
        self.venue: MarketVenue | None = None

    async def start(self, port: int = 0) -> str:
        """Open the doors, then let time run; returns the address. Raises StartError, leaving nothing behind."""
        self._door = _reserve(port)
        try:
            self._store = Store(self.options.state) if self.options.state else None
            hub, lockstep = Hub(self.options.stamp), Lockstep(self.options.lockstep)
            engine = Engine(Books(self.options.terms))
            self.venue = self._make_venue(hub, engine, lockstep)
            await self.venue.open()
            self.url = await self._listen(self.venue.floor, self._admin(lockstep))
        except BaseException:
            await self.stop()
            raise
        self.venue.floor.broken = self._break
        self._fault = asyncio.get_running_loop().create_future()
        self._play = asyncio.create_task(self.venue.run(), name="paper-exchange")
        self._play.add_done_callback(self._tell)
        return self.url

    def _make_venue(self, hub: Hub, engine: Engine, lockstep: Lockstep) -> MarketVenue:
        if self.options.source == REPLAY:
            return ReplayVenue(self.options, hub, engine, lockstep, self._store)
        from workbench.market.paper_exchange.mirror_venue import MirrorVenue  # brings all of ccxt: a second to import

        return MirrorVenue(self.options, hub, engine, self._store)

    def _admin(self, lockstep: Lockstep) -> Admin:
        assert self.venue
        return Admin(self.venue, lockstep if self.options.source == REPLAY else None, self.options.admin_token)

    async def _listen(self, floor: Floor, commands: Admin) -> str:
        app = web.Application(middlewares=[rest.speak_binance])
        app[FLOOR], app[ADMIN], app[sockets.KEYS] = floor, commands, ListenKeys()
        app[WEIGHTS] = Weights(self.options.weight_limit)
        app.add_routes([*rest.routes(), *sockets.routes(), *admin.routes()])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0, handler_cancellation=True)
        await self._runner.setup()
        assert self._door
        await web.SockSite(self._runner, self._door, backlog=512).start()
        return f"http://{HOST}:{self._door.getsockname()[1]}"

    def ready(self) -> dict[str, Any]:
        """What the ready line says."""
        assert self.venue
        clock = self.venue.clock()
        return {"url": self.url} | {name: clock[name] for name in ("run_id", "mode", "symbols", "timeframe")}

    async def stop(self) -> None:
        """Stop time, say goodbye to every listener, keep the position, free the port. Twice is once."""
        if self._door is None:
            return
        if self._play:
            self._play.cancel()
            await asyncio.wait([self._play])
        if self._runner:
            await self._say_goodbye()
            await self._runner.cleanup()
        if self.venue:
            await self.venue.close()
        if self._store:
            self._store.close()
        if self._door:
            self._door.close()
        self._runner = self._store = self._play = self._door = None

    async def _say_goodbye(self) -> None:
        """Take no new callers, close every line with a reason, let the closing words leave."""
        assert self._runner
        for site in list(self._runner.sites):
            await site.stop()
        if self.venue:
            self.venue.floor.hub.goodbye("the exchange stops")
            await asyncio.sleep(0.02)

    async def failed(self) -> None:
        """Return only when the exchange can no longer be trusted: its time has stopped, or its state file has failed.
        Raises what happened."""
        assert self._fault
        await asyncio.shield(self._fault)

    def _break(self, error: BaseException) -> None:
        """Stop serving: what memory holds may be ahead of what is kept."""
        log.error("paper_exchange_stopped", error=repr(error))
        if self._fault and not self._fault.done():
            self._fault.set_exception(error)
            self._fault.exception()  # asked, so that it is not also complained of where nobody waits for it
        if self._play:
            self._play.cancel()

    def _tell(self, task: asyncio.Task) -> None:
        if not task.cancelled() and (error := task.exception()):
            self._break(error)


def _reserve(port: int) -> socket.socket:
    """Take the port before anything is read or written. Raises StartError."""
    try:
        return socket.create_server((HOST, port))
    except OverflowError:
        raise StartError(f"port {port} is none; give one from 1 to 65535, or 0 for any free one") from None
    except OSError as error:
        why = "is taken" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
        raise StartError(f"port {port} {why}; choose another with --port, or 0 for any free one") from None
