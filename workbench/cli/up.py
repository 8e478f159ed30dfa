"""Start the desk: the paper exchange, four research bots, the page, and the process that carries commands out."""

import argparse
import asyncio
import contextlib
import signal
import time
from datetime import UTC, datetime

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from workbench.bootstrap.browser import open_page
from workbench.bootstrap.freqtrade_start import settings_for
from workbench.bootstrap.launch import RunningDesk, UpOptions, running_desk
from workbench.bootstrap.logs import configure_logs
from workbench.domain.desk import BotRow, DashboardData
from workbench.domain.errors import StartError
from workbench.settings import Settings, load_settings

CONSOLE = Console(stderr=True)
HEALTHY_WITHIN_S = 60.0


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--exchange", metavar="NAME", help="mirror a real exchange (ccxt name): live prices, paper money"
    )
    parser.add_argument("--speed", type=float, metavar="N", help="replay: market seconds a second (900: a bar in 2 s)")
    parser.add_argument("--from", dest="start", metavar="DATE", help="replay from this day, in a new run")
    parser.add_argument("--fresh", action="store_true", help="a new run: accounts of the last one are set aside")
    parser.add_argument(
        "--with",
        dest="freqtrades",
        action="append",
        default=[],
        metavar="NAME",
        help="a Freqtrade too (may be repeated)",
    )
    parser.add_argument("--lab", action="store_true", help="JupyterLab too")
    parser.add_argument("--no-browser", action="store_true", help="do not open the page")


def run(args: argparse.Namespace) -> int:
    settings = load_settings(exchange__source=args.exchange, exchange__speed=args.speed, exchange__start=args.start)
    names = tuple(dict.fromkeys(args.freqtrades))
    settings = settings_for(settings, names, _tell)
    options = UpOptions(lab=args.lab, fresh=args.fresh or args.start is not None, freqtrades=names)
    configure_logs("WARNING")
    return asyncio.run(_until_told(settings, options, browser=not args.no_browser))


async def _until_told(settings: Settings, options: UpOptions, browser: bool) -> int:
    """Live until Ctrl-C or SIGTERM; one that comes while still starting unwinds from where the start is."""
    standing, told = asyncio.Event(), asyncio.Event()
    living = asyncio.create_task(_live(settings, options, browser, standing, told))

    def stop() -> None:
        told.set()
        if not standing.is_set():
            living.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    with contextlib.suppress(asyncio.CancelledError):
        await living
    _tell("stopped")
    return 0


async def _live(
    settings: Settings, options: UpOptions, browser: bool, standing: asyncio.Event, told: asyncio.Event
) -> None:
    began = time.monotonic()
    async with running_desk(settings, options, _tell) as desk:
        data = await _healthy(desk, len(settings.research.kinds) + len(options.freqtrades))
        standing.set()
        _show(desk, data, time.monotonic() - began)
        if browser:
            await asyncio.to_thread(open_page, settings.home, desk.run.page_address)
        await told.wait()


async def _healthy(desk: RunningDesk, expected: int) -> DashboardData:
    """Wait until as many bots as were started are healthy. Raises StartError naming those that are not."""
    deadline = time.monotonic() + HEALTHY_WITHIN_S
    while True:
        data = await desk.connection.center.get_unified_dashboard_data()
        if sum(row.health.ok for row in data.bots) >= expected and data.desk:
            return data
        if time.monotonic() > deadline:
            ill = [f"{row.bot_id} is {row.health.word} ({row.health.reason})" for row in data.bots if not row.health.ok]
            raise StartError(f"after {HEALTHY_WITHIN_S:.0f} s: {'; '.join(ill) or 'bots are missing'}; see the logs")
        await asyncio.sleep(0.2)


def _show(desk: RunningDesk, data: DashboardData, seconds: float) -> None:
    table = Table("bot", "health", "state")
    for name in ("equity", "P&L", "positions"):
        table.add_column(name, justify="right")
    for row in data.bots:
        table.add_row(*map(escape, _cells(row)))
    CONSOLE.print(table)
    market = data.market
    if market:
        speed = f" ×{market.speed:g}" if market.mode == "replay" else ""
        CONSOLE.print(f"{market.mode.upper()}{speed}  market time {market.market_time:%Y-%m-%d %H:%M} UTC")
    CONSOLE.print(f"page      {_to_show(desk.run.page_address)}", soft_wrap=True, highlight=False)
    CONSOLE.print(f"exchange  {desk.run.exchange_url}")
    if desk.run.lab_url:
        CONSOLE.print(f"lab       {_to_show(desk.run.lab_url)}", soft_wrap=True, highlight=False)
    CONSOLE.print("ask       workbench ask '/cross forecast BTCUSD 1h'")
    CONSOLE.print(f"ready after {seconds:.1f} s; Ctrl-C stops all")


def _cells(row: BotRow) -> tuple[str, ...]:
    status = row.status
    if status is None:
        return row.bot_id, row.health.word, "–", "–", "–", "–"
    equity = f"{status.equity.amount:,.2f} {status.equity.currency}" if status.equity else "–"
    pnl = f"{status.pnl.amount:+,.2f} {status.pnl.currency}" if status.pnl else "–"
    return row.bot_id, row.health.word, str(status.state), equity, pnl, str(len(status.positions))


def _tell(words: str) -> None:
    CONSOLE.print(f"[dim]{datetime.now(UTC).astimezone():%H:%M:%S}[/] {escape(words)}")


def _to_show(address: str) -> str:
    """With its token on a terminal only: what goes elsewhere ends in a log."""
    bare = address.partition("?token=")[0]
    if CONSOLE.is_terminal or bare == address:
        return address
    return f"{bare} (asks for the token; `workbench page` prints an address with it)"
