"""Fetch, import, list and check recorded candles.

workbench candles fetch BTC/USDT 1h --exchange kraken --since 2024-01-01
workbench candles import user_data/data/binance/*.feather --venue binance
workbench candles list
workbench candles check
"""

import argparse
import asyncio
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from workbench.domain.errors import CandleError, WorkbenchError
from workbench.domain.market import Timeframe, resolve_symbol
from workbench.market.lake import Lake, Stored
from workbench.market.timeframes import Audit
from workbench.settings import load_settings

_SHOWN_GAPS = 10


def configure(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    deeds = parser.add_subparsers(dest="deed", required=True, metavar="fetch|import|list|check")

    fetch = deeds.add_parser("fetch", help="download candles from an exchange; goes on where it was stopped")
    fetch.add_argument("symbol", help="a market, as in BTC/USDT")
    fetch.add_argument("timeframe", type=_timeframe, help="a bar length, as in 1h")
    fetch.add_argument("--exchange", default="binance", help="its name in ccxt (binance)")
    fetch.add_argument("--since", type=_moment, required=True, help="first day or moment, UTC, as in 2024-01-01")
    fetch.add_argument("--until", type=_moment, help="end, not included (now)")
    fetch.add_argument("--url", help="address of a paper exchange, which speaks the dialect of binance")
    fetch.add_argument("--again", action="store_true", help="ask also for what was downloaded before")

    into = deeds.add_parser("import", help="read CSV, Parquet, feather and Freqtrade's JSON files, all or none")
    into.add_argument("files", nargs="+", type=Path)
    into.add_argument("--venue", required=True, help="where the candles come from, as in binance")
    into.add_argument("--symbol", help="the market, where neither a column nor the file's name tells it")
    into.add_argument("--timeframe", type=_timeframe, help="the bar length, where the file's name does not tell it")

    check = deeds.add_parser("check", help="read every file; name gaps and damage. Status 1 where a file is damaged")
    check.add_argument("symbols", nargs="*", help="markets (all)")
    for deed in (fetch, into, check, deeds.add_parser("list", help="what is there")):
        deed.add_argument("--lake", help="a folder, or a URL such as s3://bucket/prefix (the lake of this desk)")
        deed.add_argument("--json", action="store_true", help="one JSON value on standard output")


def run(args: argparse.Namespace) -> int:
    lake = Lake(args.lake or load_settings().home / "lake")
    return {"fetch": _fetch, "import": _import, "list": _list, "check": _check}[args.deed](args, lake)


def _fetch(args: argparse.Namespace, lake: Lake) -> int:
    from workbench.market.exchange import open_exchange  # ccxt takes a second to import; only this deed needs it
    from workbench.market.fetching import Fetched, Wanted, fetch_into

    wanted = Wanted(args.symbol, args.timeframe, args.since, args.until, args.again)

    async def download() -> Fetched:
        exchange = open_exchange(args.exchange, url=args.url)
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[at]}"))
        with Progress(*columns, TimeRemainingColumn(), console=_console(), transient=True) as bar:
            task = bar.add_task(f"{args.symbol} {args.timeframe}", total=1.0, at="")
            try:
                return await fetch_into(
                    lake, exchange, wanted, lambda done, at, _: bar.update(task, completed=done, at=f"{at:%Y-%m-%d}")
                )
            finally:
                await exchange.close()

    try:
        done = asyncio.run(download())
    except KeyboardInterrupt:
        _say("stopped; what was downloaded is kept, and the same command goes on from there")
        return 130
    _tell_fetched(args, lake, done)
    return 0


def _tell_fetched(args, lake: Lake, done) -> None:
    written = done.written
    if args.json:
        figures = {"symbol": done.symbol, "new": written.new, "replaced": written.replaced, "same": written.same}
        ends = {name: at and at.isoformat() for name, at in (("first", done.first), ("last", done.last))}
        print(json.dumps(figures | ends | {"resumed": done.resumed}))
        return
    _say(f"{done.symbol} {args.timeframe} of {args.exchange}: {_counts(written)}{' (resumed)' if done.resumed else ''}")
    if done.first is not None and not done.resumed and done.first - args.since > args.timeframe.step:
        _say(f"the first bar it gave opened {done.first:%Y-%m-%d %H:%M} UTC, later than you asked for")
    stored = lake.read(args.exchange, done.symbol, args.timeframe)
    if len(stored):
        _say(_health(lake.check(args.exchange, done.symbol, args.timeframe)))


def _import(args: argparse.Namespace, lake: Lake) -> int:
    from workbench.market.importing import import_files

    done = import_files(lake, args.venue, args.files, args.symbol, args.timeframe)
    if args.json:
        rows = [
            {
                "file": str(f.path),
                "symbol": f.symbol,
                "timeframe": f.timeframe.text,
                "new": w.new,
                "replaced": w.replaced,
            }
            | {"same": w.same, "repeats": f.repeats, "unfinished": f.unfinished, "missing": f.audit.missing}
            for f, w in done
        ]
        print(json.dumps(rows))
        return 0
    for found, written in done:
        _say(f"{found.path.name}: {found.symbol} {found.timeframe}: {_counts(written)}; {_health(found.audit)}")
        if found.repeats:
            _say(f"  {found.repeats} rows stood there twice, the same, and were taken once")
        if found.unfinished:
            _say("  the last bar was still forming when the file was written and was left out")
        for note in found.notes:
            _say(f"  {note}")
    return 0


def _list(args: argparse.Namespace, lake: Lake) -> int:
    stored = lake.list()
    if args.json:
        print(json.dumps([_as_json(one) for one in stored]))
        return 0
    if not stored:
        _say("no candles yet; begin with: workbench candles fetch BTC/USDT 1h --exchange kraken --since 2024-01-01")
        return 0
    table = Table("venue", "market", "bars of", "first", "last")
    table.add_column("rows", justify="right")
    for one in stored:
        names = (
            Text(one.series.venue),
            Text(one.series.symbol),
            one.series.timeframe.text,
        )  # names are text, not markup
        table.add_row(*names, f"{one.first:%Y-%m-%d %H:%M}", f"{one.last:%Y-%m-%d %H:%M}", f"{one.rows:,}")
    Console().print(table)
    return 0


def _check(args: argparse.Namespace, lake: Lake) -> int:
    stored, told, status = _chosen(lake.list(), args.symbols), [], 0
    for one in stored:
        try:
            found = lake.check(one.series.venue, one.series.symbol, one.series.timeframe)
        except CandleError as error:
            status = 1
            _say(f"workbench: {error}")
            told.append(_as_json(one) | {"damaged": str(error)})
            continue
        told.append(_as_json(one) | {"missing": found.missing, "gaps": len(found.gaps), "clean": found.clean})
        if not args.json:
            _say(f"{one.series}: {_health(found)}")
            for gap in sorted(found.gaps, key=lambda gap: -gap.bars)[:_SHOWN_GAPS]:
                _say(f"  {gap.bars:,} missing from {gap.first:%Y-%m-%d %H:%M} to {gap.last:%Y-%m-%d %H:%M} UTC")
    if args.json:
        print(json.dumps(told))
    return status


def _chosen(stored: list[Stored], symbols: list[str]) -> list[Stored]:
    if not symbols:
        return stored
    known = {one.series.symbol for one in stored}
    wanted = {resolve_symbol(symbol, known).symbol if symbol not in known else symbol for symbol in symbols}
    return [one for one in stored if one.series.symbol in wanted]


def _as_json(one: Stored) -> dict:
    names = {"venue": one.series.venue, "symbol": one.series.symbol, "timeframe": one.series.timeframe.text}
    return names | {"rows": one.rows, "first": one.first.isoformat(), "last": one.last.isoformat()}


def _counts(written) -> str:
    parts = [f"{written.new:,} new bars"]
    parts += [f"{written.replaced:,} corrected"] if written.replaced else []
    parts += [f"{written.same:,} had before"] if written.same else []
    return ", ".join(parts)


def _health(found: Audit) -> str:
    if not found.gaps:
        return f"{found.rows:,} bars, none missing between the first and the last"
    return f"{found.rows:,} bars, {found.missing:,} missing in {len(found.gaps):,} gaps"


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a date; write it as 2024-01-01 or 2024-01-01T12:00"
        ) from error
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _timeframe(text: str) -> Timeframe:
    try:
        return Timeframe.parse(text)
    except WorkbenchError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _console() -> Console:
    return Console(stderr=True)


def _say(words: str) -> None:
    print(words, file=sys.stderr)
