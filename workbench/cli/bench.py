"""Measure what was promised: `workbench bench NAME --json`, `--list`, `--all`."""

import argparse
import json
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from workbench.bench import NAMES, measure


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", choices=list(NAMES), metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--list", action="store_true", help="name the benchmarks")
    parser.add_argument("--all", action="store_true", help="run all and write reports/bench.json")
    parser.add_argument("--quick", action="store_true", help="end within 50 s each, on two slow cores")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line of standard output")


def run(args: argparse.Namespace) -> int:
    if args.list:
        print("\n".join(f"{name:12} {words}" for name, words in NAMES.items()))
        return 0
    if args.all:
        return _all(args.quick)
    if not args.name:
        print("workbench: name a benchmark, or use --list or --all", file=sys.stderr)
        return 2
    measured = measure(args.name, args.quick)
    _show([measured])
    if args.json:
        print(json.dumps(measured))
    return 0


def _all(quick: bool) -> int:
    results, failed = [], []
    for name in NAMES:
        print(f"measuring {name} …", file=sys.stderr)
        try:
            results.append(measure(name, quick))
        except Exception as error:  # one broken benchmark must not hide the others; it is told and fails the run
            failed.append(f"{name}: {type(error).__name__}: {error}")
    reports = Path("reports")
    reports.mkdir(exist_ok=True)
    (reports / "bench.json").write_text(json.dumps(results, indent=1) + "\n")
    _show(results)
    for words in failed:
        print(f"workbench: {words}", file=sys.stderr)
    return 1 if failed else 0


def _show(results: list[dict]) -> None:
    table = Table("benchmark", "figure", "value")
    for result in results:
        for key, value in result["figures"].items():
            table.add_row(result["name"], key, f"{value:,.6g}")
    Console(stderr=True).print(table)
