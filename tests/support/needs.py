"""What the tests need beyond Python packages, fetched from the distribution where it can be had."""

import os
import shutil
import subprocess
import sys


def chromium() -> str | None:
    """Path of a Chromium program, or None."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def postgres() -> str | None:
    """Path of a PostgreSQL server program, or None."""
    found = shutil.which("postgres")
    if found:
        return found
    home = "/usr/lib/postgresql"
    homes = sorted(os.scandir(home), key=lambda d: d.name) if os.path.isdir(home) else []
    return f"{homes[-1].path}/bin/postgres" if homes else None


def _install(*packages: str) -> None:
    if not (shutil.which("apt-get") and os.geteuid() == 0):
        return
    print(f"installing {' '.join(packages)} from the distribution", file=sys.stderr)
    quiet = {"stdout": subprocess.DEVNULL, "env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}}
    subprocess.run(["apt-get", "update", "-qq"], check=False, **quiet)
    subprocess.run(["apt-get", "install", "-y", "-qq", *packages], check=False, **quiet)


def main() -> int:
    """Install what is missing. In CI a need that cannot be met is an error; elsewhere its tests skip by name."""
    if not chromium():
        _install("chromium")
    if not postgres():
        _install("postgresql")
    if not shutil.which("strace"):
        _install("strace")
    needs = {"chromium": chromium(), "postgres": postgres(), "strace": shutil.which("strace")}
    missing = [name for name, found in needs.items() if not found]
    for name in missing:
        print(f"{name} is not here and could not be installed: the tests that need it are skipped", file=sys.stderr)
    return 1 if missing and os.environ.get("CI") else 0


if __name__ == "__main__":
    sys.exit(main())
