"""Run the paper exchange alone: `workbench exchange serve`. One JSON line when it is ready; Ctrl-C ends it."""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path

import uvloop

from workbench.domain.errors import StartError
from workbench.domain.market import Timeframe
from workbench.market.paper_exchange.candle_source import LoadedCandles, load_candles
from workbench.market.paper_exchange.clock import parse_speed
from workbench.market.paper_exchange.server import REPLAY, PaperExchange
from workbench.market.paper_exchange.settings import ExchangeOptions

TOKEN = "WORKBENCH_EXCHANGE_TOKEN"


def configure(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True)
    serve = verbs.add_parser("serve", help="serve until Ctrl-C")
    serve.add_argument("--port", type=int, default=8750, help="0 for any free one (default 8750)")
    serve.add_argument("--speed", default="900", help="market seconds a wall second, or max (default 900)")
    serve.add_argument("--from", dest="start", help="first market moment of a new replay, as 2018-05-01 (UTC)")
    serve.add_argument("--source", default="replay", help="replay, or the ccxt name of an exchange to mirror")
    serve.add_argument("--source-url", help="where that exchange answers, if not at its own address")
    serve.add_argument("--candles", help="Parquet file or lake folder to replay (default: the bundled sample)")
    serve.add_argument("--symbols", help="markets, as BTC/USD,ETH/USD (default: all there are)")
    serve.add_argument("--timeframe", help="bar length, as 1h (default: that of the candles)")
    serve.add_argument("--fee-bps", default="10", help="fee of a trade in hundredths of a percent (default 10)")
    serve.add_argument("--rebase-now", action="store_true", help="shift candle times so that the replay starts now")
    serve.add_argument("--lockstep", nargs="?", type=int, const=1, default=0, metavar="N", help="wait for N bots first")
    serve.add_argument("--paused", action="store_true", help="start with the clock stopped")
    serve.add_argument("--stamp", action="store_true", help=argparse.SUPPRESS)  # for workbench bench stream
    serve.add_argument("--state", type=Path, help="file in which accounts, orders and the clock survive")


def run(args: argparse.Namespace) -> int:
    options = _options(args)
    uvloop.run(_serve(options, args.port))
    return 0


def _options(args: argparse.Namespace) -> ExchangeOptions:
    symbols = tuple(part.strip() for part in (args.symbols or "").split(",") if part.strip())
    wanted = Timeframe.parse(args.timeframe) if args.timeframe else None
    if args.source == REPLAY:
        loaded = load_candles(args.candles, symbols, wanted)
    else:
        loaded = LoadedCandles({}, wanted or Timeframe.parse("30m"))
    return ExchangeOptions(
        source=args.source,
        source_url=args.source_url,
        symbols=symbols,
        candles=loaded.candles,
        timeframe=loaded.timeframe,
        start=_moment(args.start) or loaded.start,
        speed=parse_speed(args.speed),
        fee_bps=_bps(args.fee_bps),
        rebase_now=args.rebase_now,
        lockstep=args.lockstep,
        paused=args.paused,
        state=args.state,
        stamp=args.stamp,
        admin_token=os.environ.get(TOKEN),
    )


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise StartError(f"--from {text!r} is not a date; write it as 2018-05-01 or 2018-05-01T12:30") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _bps(text: str) -> Decimal:
    try:
        fee = Decimal(text)
    except InvalidOperation:
        fee = Decimal(-1)
    if not 0 <= fee < 10_000:
        raise StartError(f"--fee-bps {text!r} is not a fee; give hundredths of a percent, from 0 to 9999")
    return fee


async def _serve(options: ExchangeOptions, port: int) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    exchange = PaperExchange(options)
    await exchange.start(port)
    try:
        sys.stdout.write(json.dumps(exchange.ready()) + "\n")
        sys.stdout.flush()
        await _until(stopping, exchange)
    finally:
        await exchange.stop()


async def _until(stopping: asyncio.Event, exchange: PaperExchange) -> None:
    """Wait for a signal, or for a fault of the exchange, which is raised."""
    waits = [asyncio.create_task(stopping.wait()), asyncio.create_task(exchange.failed())]
    done, rest = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for task in rest:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    for task in done:
        task.result()
