"""`workbench up`: the exchange, the bots, the page and the desk, started together and stopped in order.

Whatever goes wrong on the way unwinds what had been started: nothing half-started is left behind.
"""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import structlog

from workbench.bootstrap import parts
from workbench.bootstrap.connection import Connection, connect
from workbench.bootstrap.freqtrade_start import freqtrade_specs
from workbench.bootstrap.gate_door import GateDoor
from workbench.bootstrap.ports import HOST, require_free
from workbench.bootstrap.processes import ChildSpec, Household
from workbench.bootstrap.run_file import DeskRun, forget_run, only_desk, write_run
from workbench.dashboard.page_login import PageLogin, login_of
from workbench.domain.errors import WorkbenchError
from workbench.domain.events import NewEvent
from workbench.domain.market import split_symbol
from workbench.orchestration.desk import Desk
from workbench.orchestration.gate_keeper import GateKeeper
from workbench.orchestration.pattern_desk import PatternDesk, Watch
from workbench.owned_task import OwnedTask
from workbench.settings import Settings

log = structlog.get_logger(__name__)
Tell = Callable[[str], None]
ANNOUNCED_FOR = timedelta(seconds=30)
"""A bot that the desk no longer vouches for is forgotten after this long."""


@dataclass(frozen=True, slots=True)
class UpOptions:
    """What the command line adds to the settings. `fresh`: a new run, the venue's accounts of the old one set aside.
    `freqtrades`: names of the Freqtrades to start as well, made with `workbench freqtrade new`."""

    lab: bool = False
    fresh: bool = False
    freqtrades: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunningDesk:
    """A desk that stands."""

    run: DeskRun
    connection: Connection
    desk: Desk


@asynccontextmanager
async def running_desk(settings: Settings, options: UpOptions, tell: Tell) -> AsyncIterator[RunningDesk]:
    """Start everything, yield it, stop everything. Raises a WorkbenchError with one sentence."""
    with only_desk(settings.home):
        require_free(settings.exchange.port, "the paper exchange", "exchange.port")
        require_free(settings.page.port, "the page", "page.port")
        login = login_of(settings.home, settings.page.host)
        async with AsyncExitStack() as stack:
            yield await _start(settings, options, login, tell, stack)
            tell("stopping")


async def _start(
    settings: Settings, options: UpOptions, login: PageLogin, tell: Tell, stack: AsyncExitStack
) -> RunningDesk:
    """Each step leaves what undoes it on the stack."""
    news = _News()
    house = Household(settings.home / "logs", news.report, settings.secret_variables)
    stack.push_async_callback(house.stop)
    tell("starting the paper exchange")
    run = await _exchange(settings, options, house)
    door = GateDoor(secrets.token_urlsafe(24))
    stack.push_async_callback(door.stop)
    run = replace(run, gate_url=await door.start(), gate_token=door.token)
    write_run(settings.home, run)
    stack.callback(forget_run, settings.home)
    connection = await stack.enter_async_context(connect(settings, run))
    news.connect(connection)
    keeper = GateKeeper(connection.center, connection.ledger, run.exchange_url)
    stack.push_async_callback(keeper.stop)
    door.keeper = keeper
    tell(f"starting {len(settings.research.kinds) + len(options.freqtrades)} bots and the page")
    crier = Crier(connection)
    stack.push_async_callback(crier.stop)
    page_url, lab_url = await _children(connection, options, login, house, crier)
    run = replace(run, page_url=page_url, lab_url=lab_url, page_token=login.token if login.made else "")
    write_run(settings.home, run)
    await crier.start()
    desk = Desk(connection.center, connection.ledger, more=lambda: [_patterns(connection)])
    await desk.start()
    keeper.start()
    stack.push_async_callback(desk.stop)
    if settings.jobs:
        from workbench.bootstrap.job_desk import scheduled  # a desk without jobs need not pay for them

        await stack.enter_async_context(scheduled(connection))
    await _go(connection)
    house.supervise(partial(_restarted, connection, crier))
    return RunningDesk(run, connection, desk)


def _patterns(connection: Connection) -> PatternDesk:
    def watch() -> Watch:
        from workbench.visual.pattern_watch import PatternWatch  # what learning needs, once somebody has learned

        return PatternWatch(connection.ledger, connection.settings.home)

    return PatternDesk(connection.center, watch)


async def _go(connection: Connection) -> None:
    """Start the clock of a replay; it stood while the bots started."""
    if connection.venue and parts.replays(connection.settings):
        await connection.venue.resume()


async def _restarted(connection: Connection, crier: "Crier", name: str, said: Mapping[str, Any]) -> None:
    """A bot comes back at a new address; the exchange comes back with its clock stopped."""
    if crier.meet(said):
        await crier.cry()
    elif name == "exchange":
        await _go(connection)


async def _children(
    connection: Connection, options: UpOptions, login: PageLogin, house: Household, crier: "Crier"
) -> tuple[str, str]:
    """Bots, page and Lab, side by side. Returns the addresses of page and Lab."""
    settings = connection.settings
    specs = [*await _bot_specs(connection), parts.page_spec(settings, login.token)]
    specs += await freqtrade_specs(connection, options.freqtrades)
    specs += parts.telegram_specs(settings)
    lab_url = ""
    if options.lab:
        port, token = parts.settled_port(0), secrets.token_urlsafe(16)
        specs.append(parts.lab_spec(settings, port, token, parts.NOTEBOOKS))
        lab_url = f"http://{HOST}:{port}/lab?token={token}"
    page_url = ""
    for spec, said in zip(specs, await house.start(specs), strict=True):
        crier.meet(said)
        page_url = said["url"] if spec.name == "page" else page_url
    return page_url, lab_url


async def _exchange(settings: Settings, options: UpOptions, house: Household) -> DeskRun:
    token = secrets.token_urlsafe(24)
    if options.fresh:
        for kind in settings.research.kinds:
            parts.set_aside(parts.memory_file(settings, kind))
        parts.set_aside(parts.state_file(settings))
    port = parts.settled_port(settings.exchange.port)
    (said,) = await house.start([parts.exchange_spec(settings, port, token)])
    return DeskRun(
        pid=os.getpid(),
        run_id=said["run_id"],
        exchange_url=said["url"],
        bot_token=secrets.token_urlsafe(24),
        exchange_token=token,
    )


async def _bot_specs(connection: Connection) -> list[ChildSpec]:
    """Open each bot's account, in the quote currency that most of the venue's markets use."""
    settings, run, venue = connection.settings, connection.run, connection.venue
    assert run  # this connection was made for both
    assert venue
    quotes = [split_symbol(symbol)[1] for symbol in (await venue.clock()).symbols]
    currency = max(sorted(set(quotes)), key=quotes.count)
    funds = {currency: settings.research.cash}
    return [
        parts.bot_spec(settings, kind, run.exchange_url, await venue.open_account(kind, funds), run.bot_token)
        for kind in settings.research.kinds
    ]


class _News:
    """What happens to the children, into the ledger once there is one."""

    def __init__(self) -> None:
        self._connection: Connection | None = None
        self._writing: set[asyncio.Task] = set()

    def connect(self, connection: Connection) -> None:
        self._connection = connection

    def report(self, kind: str, facts: Mapping[str, Any]) -> None:
        log.warning(kind, **facts)
        if self._connection:
            event = NewEvent(kind, "desk", facts, f"{kind}:{uuid4()}", datetime.now(UTC))
            task = asyncio.create_task(asyncio.to_thread(self._connection.ledger.append, [event], durable=False))
            self._writing.add(task)
            task.add_done_callback(self._written)

    def _written(self, task: asyncio.Task) -> None:
        self._writing.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("event_not_recorded", error=str(error))


class Crier:
    """Announces the bots of this desk in the ledger, again and again while they live, and withdraws them at the end."""

    def __init__(self, connection: Connection):
        self._connection = connection
        self._met: dict[str, tuple[str, tuple[str, ...]]] = {}
        self._task = OwnedTask(self._go_on, "announcing")

    def meet(self, said: Mapping[str, Any]) -> bool:
        """Take in a child's first words; says whether they are a bot's."""
        if "bot_id" in said:
            self._met[said["bot_id"]] = said["url"], tuple(said.get("tags", ("research",)))
        return "bot_id" in said

    async def start(self) -> None:
        await self.cry()
        self._task.start()

    async def stop(self) -> None:
        await self._task.stop()
        for bot_id in self._met:
            await asyncio.to_thread(self._connection.ledger.tables.withdraw, bot_id)

    async def cry(self) -> None:
        tables = self._connection.ledger.tables
        for bot_id, (url, tags) in self._met.items():
            await asyncio.to_thread(tables.announce, bot_id, url, (), tags, ANNOUNCED_FOR)

    async def _go_on(self) -> None:
        while True:
            await asyncio.sleep(ANNOUNCED_FOR.total_seconds() / 3)
            try:
                await self.cry()
            except WorkbenchError as error:  # the ledger is away: tell it, try again
                log.warning("announcement_failed", error=str(error))
