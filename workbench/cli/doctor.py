"""What is installed, reachable and writable here, and the mend for each fault."""

import argparse
import json
from dataclasses import asdict

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from workbench.bootstrap.doctor import Finding, examine


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="the findings as JSON on standard output")


def run(args: argparse.Namespace) -> int:
    findings = examine()
    if args.json:
        print(json.dumps([asdict(finding) | {"ok": finding.ok} for finding in findings]))
    else:
        _show(findings)
    return 0 if all(finding.ok for finding in findings) else 1


def _show(findings: list[Finding]) -> None:
    table = Table("", "what", "found", "mend")
    for finding in findings:
        mark = "[green]✓[/]" if not finding.mend else "[yellow]![/]" if finding.ok else "[red]✗[/]"
        table.add_row(mark, *map(escape, (finding.what, finding.found, finding.mend)))
    Console(stderr=True).print(table)
