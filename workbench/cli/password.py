"""Set the password that opens the page: asked for twice, kept as a hash only. The one without a name is the admin's;
the others have a role. A running page hears of it within a second, and whoever was in by the old one is out; the
address that `workbench up` printed opens it until the desk ends.
"""

import argparse
import getpass
import sys

from workbench.commands.spec import Role
from workbench.dashboard.passwords import HASH_VARIABLE, forget, hashed, passwords_file, store
from workbench.dashboard.viewer import ALONE
from workbench.domain.errors import ValueRefused
from workbench.settings import load_settings


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", default=ALONE, help="a person of several; the page then asks for the name")
    roles = [role.value for role in Role]
    parser.add_argument("--role", choices=roles, help="what that person may do (a new name: viewer; else as before)")
    doing = parser.add_mutually_exclusive_group()
    doing.add_argument("--print", action="store_true", help=f"print the hash, for {HASH_VARIABLE}; keep nothing")
    doing.add_argument("--remove", action="store_true", help="let nobody in by this name any more")


def run(args: argparse.Namespace) -> int:
    home = load_settings().home
    if args.remove:
        forget(home, args.name)
        _tell(f"{args.name} has no password any more, and is out of a page that runs")
    elif args.print:
        print(hashed(_asked()))
    else:
        role = store(home, args.name, _asked(), Role(args.role) if args.role else None)
        _tell(f"{args.name} is {_an(role)}; the hash is in {passwords_file(home)}")
    return 0


def _asked() -> str:
    """Twice from the terminal; one line where standard input is none. Raises ValueRefused where they differ."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != password:
        raise ValueRefused("the two differ; nothing was changed")
    return password


def _an(role: Role) -> str:
    return f"{'a' if role is Role.VIEWER else 'an'} {role}"


def _tell(words: str) -> None:
    print(f"workbench: {words}", file=sys.stderr)
