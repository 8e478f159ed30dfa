"""Freqtrades of this desk: `workbench freqtrade new NAME --strategy FILE`, then `workbench up --with NAME`."""

import argparse
import json
import sys
from pathlib import Path

from workbench.bootstrap.freqtrade_env import ensure_freqtrade, env_folder, freqtrade_python
from workbench.bootstrap.freqtrade_folder import PAPER, FreqtradePlan, create
from workbench.settings import load_settings


def configure(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True)
    new = verbs.add_parser("new", help="write its config: paused at first, dry-run, own port and database")
    new.add_argument("name", metavar="NAME")
    new.add_argument("--strategy", type=Path, required=True, metavar="FILE", help="a file with one Freqtrade strategy")
    new.add_argument("--venue", default=PAPER, help="paper (the desk's exchange, default), or a real one's ccxt name")
    new.add_argument(
        "--orders", action="store_true", help="send orders (dry_run off); on paper it is paper money still"
    )
    new.add_argument("--gated", action="store_true", help="each entry asks the desk first; no answer is a no")
    new.add_argument("--pairs", default="", help="as BTC/USD,ETH/USD (the default)")
    new.add_argument("--timeframe", default="", help="instead of the strategy's own")
    new.add_argument("--stake", type=float, default=100.0, help="of each trade, in the quote currency (default 100)")
    new.add_argument("--max-open-trades", type=int, default=5)
    new.add_argument("--cash", type=float, default=10_000.0, help="paper money it starts with (default 10000)")
    verbs.add_parser("install", help="install Freqtrade in its own environment now instead of at the first start")
    verbs.add_parser("where", help="say where that environment is, and whether it is there")


def run(args: argparse.Namespace) -> int:
    return {"new": _new, "install": _install, "where": _where}[args.verb](args)


def _new(args: argparse.Namespace) -> int:
    facts = create(
        load_settings(),
        FreqtradePlan(
            name=args.name,
            strategy=args.strategy,
            venue=args.venue,
            orders=args.orders,
            pairs=tuple(part.strip() for part in args.pairs.split(",") if part.strip()),
            timeframe=args.timeframe,
            stake=args.stake,
            max_open_trades=args.max_open_trades,
            gated=args.gated,
            cash=args.cash,
        ),
    )
    money = "sends orders" if facts.orders else "dry-run"
    print(f"{facts.name}: {facts.strategy} on {facts.venue}, {money}, paused at first", file=sys.stderr)
    print(f"config   {facts.config}", file=sys.stderr)
    print(f"start    workbench up --with {facts.name}", file=sys.stderr)
    return 0


def _install(_args: argparse.Namespace) -> int:
    print(ensure_freqtrade(lambda words: print(words, file=sys.stderr)))
    return 0


def _where(_args: argparse.Namespace) -> int:
    print(json.dumps({"folder": str(env_folder()), "installed": freqtrade_python() is not None}))
    return 0
