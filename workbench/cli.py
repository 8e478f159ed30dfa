"""The command line. Wiring only."""

import sys


def main() -> int:
    """Entry point of `workbench`."""
    print("workbench: under construction; see CHANGELOG.md", file=sys.stderr)  # noqa: T201
    return 1
