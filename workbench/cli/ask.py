"""Ask the desk one thing: workbench ask '/cross forecast BTCUSD 1h'."""

import argparse

from workbench.cli.asking import answer


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("line", nargs="+", metavar="LINE", help="a command, as in '/bots'; '/help' lists them")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")


def run(args: argparse.Namespace) -> int:
    return answer(" ".join(args.line), args.json)
