"""The command line. Each command is a module here with `configure(parser)` and `run(args) -> int`, imported only when
it is the one asked for, so that `workbench ask` does not pay for what `workbench up` needs.

Exit status 0: done. 1: it failed, and standard error says why on one line. 2: wrong usage. `--json` goes to standard
output, everything else to standard error.
"""

import argparse
import importlib
import sys
from collections.abc import Sequence

from workbench.domain.errors import WorkbenchError

COMMANDS = {
    "up": "start the desk: paper exchange, research bots, page",
    "ask": "ask the desk one thing, as in: workbench ask '/cross forecast BTCUSD 1h'",
    "shell": "ask in a loop, with completion and history",
    "page": "print the address of the page, with its token",
    "password": "set the password that opens the page",
    "bots": "list the bots and their health",
    "exchange": "run the paper exchange alone",
    "freqtrade": "make a Freqtrade that the desk starts and watches: workbench freqtrade new NAME --strategy FILE",
    "jobs": "scheduled notebooks: list them, run one now",
    "candles": "fetch, import, list and check recorded candles",
    "bench": "measure what was promised",
    "doctor": "what is installed, reachable and writable, and the mend for each fault",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of `workbench`."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] not in COMMANDS:
        _overview().parse_args(arguments)  # exits, unless there was nothing to parse
        _overview().print_help(sys.stderr)
        return 2
    module = importlib.import_module(f"workbench.cli.{arguments[0]}")
    parser = argparse.ArgumentParser(prog=f"workbench {arguments[0]}", description=module.__doc__)
    module.configure(parser)
    return _guarded(module.run, parser.parse_args(arguments[1:]))


def _overview() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="workbench", description="One desk for a trader who runs several bots.")
    names = parser.add_subparsers(metavar="COMMAND", required=False)
    for name, words in COMMANDS.items():
        names.add_parser(name, help=words, add_help=False)
    return parser


def _guarded(run, args: argparse.Namespace) -> int:
    try:
        return run(args)
    except WorkbenchError as error:
        print(f"workbench: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        return 1
    except KeyboardInterrupt:
        return 130
