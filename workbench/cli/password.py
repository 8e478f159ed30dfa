"""Set the password that opens the page: asked for twice, kept as a hash only. A running desk hears of it at its next
start; then nobody gets in with the address that `workbench up` printed.
"""

import argparse
import getpass
import sys

from workbench.dashboard.passwords import HASH_VARIABLE, forget, hashed, passwords_file, store
from workbench.dashboard.viewer import ALONE
from workbench.domain.errors import ValueRefused
from workbench.settings import load_settings


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", default=ALONE, help="a person of several; the page then asks for the name")
    doing = parser.add_mutually_exclusive_group()
    doing.add_argument("--print", action="store_true", help=f"print the hash, for {HASH_VARIABLE}; keep nothing")
    doing.add_argument("--remove", action="store_true", help="let nobody in by this name any more")


def run(args: argparse.Namespace) -> int:
    home = load_settings().home
    if args.remove:
        forget(home, args.name)
        _tell(f"{args.name} has no password any more; restart the desk")
    elif args.print:
        print(hashed(_asked()))
    else:
        store(home, args.name, _asked())
        _tell(f"the hash is in {passwords_file(home)}; restart the desk")
    return 0


def _asked() -> str:
    """Twice from the terminal; one line where standard input is none. Raises ValueRefused where they differ."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != password:
        raise ValueRefused("the two differ; nothing was changed")
    return password


def _tell(words: str) -> None:
    print(f"workbench: {words}", file=sys.stderr)
