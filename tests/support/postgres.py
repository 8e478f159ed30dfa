"""A real PostgreSQL server for one test session: in a temporary folder, on a Unix socket, as a user that may run it."""

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.support import needs


class Server:
    """A running cluster; `url(database)` connects to it."""

    def __init__(self, home: Path, programs: Path):
        self.home, self._programs = home, programs
        self._user = _server_user()

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://bench@/{database}?host={self.home}"

    def new_ledger(self) -> str:
        """URL of an empty schema of its own: as good as a database to a ledger, and made in a hundredth of the time."""
        name = f"ledger_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}")
        return f"{self.url()}&options=-csearch_path%3D{name}"

    def create(self) -> None:
        # trust: only this machine reaches the socket, in a folder that only this user enters
        self._run("initdb", "-D", "data", "-U", "bench", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")

    def start(self, *options: str) -> None:
        flags = f"-c listen_addresses='' -c unix_socket_directories='{self.home}' -c max_connections=200"
        settings = " ".join(f"-c {option}" for option in options)
        self._run("pg_ctl", "-D", "data", "-l", "log", "-w", "-t", "60", "-o", f"{flags} {settings}", "start")

    def stop(self, mode: str = "immediate") -> None:
        """immediate is as good as kill -9 for the server; fast is a clean stop."""
        self._run("pg_ctl", "-D", "data", "-w", "-m", mode, "stop")

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), *arguments]
        done = subprocess.run(command, cwd=self.home, check=False, text=True, **_output(), **self._user)
        if done.returncode:
            log = self.home / "log"
            said = log.read_text()[-2000:] if log.exists() else ""
            raise RuntimeError(f"{program} failed ({done.returncode}): {said}")


@contextmanager
def server(*options: str) -> Iterator[Server]:
    """A fresh server, gone afterwards. Raises RuntimeError where it does not start."""
    home = Path(tempfile.mkdtemp(prefix="wb-pg-", dir="/tmp"))  # short: a socket path holds 107 bytes
    try:
        running = Server(home, programs())
        if account := _account():
            os.chown(home, account.pw_uid, account.pw_gid)
        home.chmod(0o711 if account else 0o700)
        running.create()
        running.start(*options)
        try:
            yield running
        finally:
            running.stop()
    finally:
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """One server for the whole session; tests take a `new_ledger()` each."""
    if not needs.postgres():
        pytest.skip("no PostgreSQL server program here (looked for postgres); install the package postgresql")
    with server("fsync=off", "full_page_writes=off") as running:  # the tests of crashes start one of their own
        yield running


def programs() -> Path:
    """Folder of the server programs. Call where `needs.postgres()` found one."""
    found = needs.postgres()
    if not found:
        raise RuntimeError("no PostgreSQL server program is here; install the package postgresql")
    return Path(os.path.realpath(found)).parent


def _account() -> pwd.struct_passwd | None:
    """Whom to become, for PostgreSQL refuses to run as root; None where we are not."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    return known.get("postgres") or known["nobody"]


def _server_user() -> dict:
    account = _account()
    if account is None:
        return {}
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _output() -> dict:
    # the server inherits the descriptors of pg_ctl: a pipe would never end
    return {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
