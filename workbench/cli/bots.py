"""List the bots and their health."""

import argparse

from workbench.cli.asking import answer


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")


def run(args: argparse.Namespace) -> int:
    return answer("/bots", args.json)
