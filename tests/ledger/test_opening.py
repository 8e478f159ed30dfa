"""Opening a ledger: what is refused, what is said, what becomes of an older one."""

import os
import stat
import sys

import pytest
from sqlalchemy import text, update
from sqlalchemy.schema import DropTable

from tests.ledger.builders import AT, event
from workbench.bench.ledger_processes import context
from workbench.domain.errors import LedgerError, UnsafeDatabase
from workbench.ledger import filesystem, schema
from workbench.ledger.log import open_ledger
from workbench.ledger.sqlite import check_library
from workbench.ledger.store import Store

NEWEST = 1 + len(schema.MIGRATIONS)


def test_opening_again_finds_everything(ledger, ledger_url):
    ledger.append([event()])
    ledger.close()

    again = open_ledger(ledger_url)

    assert again.read()[0].event_id == "e1"
    again.check()
    again.close()
    again.close()  # twice is harmless


@pytest.mark.parametrize("version", [(3, 7, 0), (3, 40, 1), (3, 51, 2)])
def test_a_library_in_the_corruption_range_is_refused_with_its_mend(version):
    with pytest.raises(UnsafeDatabase, match=r"can corrupt a ledger .* pip install --upgrade"):
        check_library(version)


@pytest.mark.parametrize("version", [(3, 6, 23), (3, 51, 3), (3, 53, 4)])
def test_a_library_outside_it_is_not(version):
    check_library(version)


def test_the_library_in_use_is_a_good_one(monkeypatch, tmp_path):
    open_ledger(tmp_path / "a.sqlite").close()
    monkeypatch.setattr("pysqlite3.dbapi2.sqlite_version_info", (3, 40, 1))

    with pytest.raises(UnsafeDatabase, match=r"3\.40\.1"):
        open_ledger(tmp_path / "a.sqlite")


def test_a_newer_ledger_is_refused(ledger, ledger_url):
    with ledger._store.write() as connection:
        connection.execute(update(schema.meta).values(value="99"))

    with pytest.raises(LedgerError, match=f"has schema 99 and this workbench knows {NEWEST}; update the workbench"):
        open_ledger(ledger_url)


def test_an_older_ledger_is_brought_forward_with_its_rows(ledger):
    ledger.append([event()])

    def add_a_column(connection):
        connection.execute(text("ALTER TABLE commands ADD COLUMN urgency INTEGER NOT NULL DEFAULT 0"))

    with ledger._store.write() as connection:
        reached = schema.migrate(connection, (*schema.MIGRATIONS, add_a_column))

    with ledger._store.read() as connection:
        assert reached == schema.version(connection) == NEWEST + 1
        assert connection.execute(text("SELECT count(urgency) FROM commands")).scalar_one() == 0
    assert ledger.read()[0].event_id == "e1"


def test_a_ledger_of_the_first_schema_learns_of_halts_and_patterns(ledger):
    ledger.append([event()])
    with ledger._store.write() as connection:  # as the first version left it
        for table in (*schema._SAFETY, *schema._DRAWING, *schema._PATTERNS, *schema._JOBS):
            connection.execute(DropTable(table))
        connection.execute(update(schema.meta).values(value="1"))

    with ledger._store.write() as connection:
        assert schema.migrate(connection) == NEWEST

    assert ledger.states.all() == {}
    assert ledger.job_runs.last() == []
    assert ledger.annotations.all("ann") == []
    assert ledger.read()[0].event_id == "e1"


def test_a_migration_that_fails_leaves_the_old_ledger(ledger):
    def half_done(connection):
        connection.execute(text("ALTER TABLE commands ADD COLUMN urgency INTEGER"))
        raise RuntimeError("power off")

    with pytest.raises(RuntimeError), ledger._store.write() as connection:
        schema.migrate(connection, (*schema.MIGRATIONS, half_done))

    with ledger._store.read() as connection:
        assert schema.version(connection) == NEWEST
    Store(ledger._store.backend)  # opens as before


def _open(url, said):
    try:
        opened = open_ledger(url)
        opened.append([event(f"from-{os.getpid()}")])
        opened.close()
        said.put("")
    except LedgerError as error:
        said.put(str(error))


def test_eight_processes_may_open_a_new_ledger_at_once(ledger_url):
    start = context()
    said = start.Queue()
    crew = [start.Process(target=_open, args=(ledger_url, said)) for _ in range(8)]
    for process in crew:
        process.start()
    for process in crew:
        process.join()

    assert [said.get(timeout=60) for _ in crew] == [""] * 8
    opened = open_ledger(ledger_url)
    assert [found.seq for found in opened.read()] == list(range(1, 9))
    opened.close()


def test_a_file_of_something_else_is_not_touched(tmp_path):
    other = tmp_path / "notes.txt"
    other.write_text("These are my notes. " * 100)

    with pytest.raises(LedgerError, match="is not a ledger"):
        open_ledger(other)

    assert other.read_text() == "These are my notes. " * 100


def test_only_the_owner_reads_the_file(tmp_path):
    open_ledger(tmp_path / "new" / "ledger.sqlite").close()

    assert stat.S_IMODE((tmp_path / "new" / "ledger.sqlite").stat().st_mode) == 0o600


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(LedgerError, match=r"cannot be created: .*; name another place"):
        open_ledger(tmp_path / "file" / "ledger.sqlite")


@pytest.mark.parametrize("where", [":memory:", "sqlite://", "sqlite:///:memory:", ""])
def test_a_ledger_in_memory_is_refused(where):
    with pytest.raises(LedgerError, match="needs a file"):
        open_ledger(where)


@pytest.mark.parametrize("where", ["mysql://host/db", "oracle://host/db"])
def test_other_databases_are_refused(where):
    with pytest.raises(LedgerError, match="no ledger can be kept in"):
        open_ledger(where)


def test_a_url_without_a_database_is_refused():
    with pytest.raises(LedgerError, match="names no database"):
        open_ledger("postgresql://someone@host")


def test_a_server_that_is_not_there_is_told_without_the_password():
    with pytest.raises(LedgerError) as refusal:
        open_ledger("postgresql://someone:hunter2@127.0.0.1:1/desk")

    assert "127.0.0.1" in str(refusal.value)
    assert "hunter2" not in str(refusal.value)


def test_a_path_and_its_url_are_the_same_ledger(tmp_path):
    first = open_ledger(tmp_path / "a b?c.sqlite")
    first.append([event()])
    second = open_ledger(f"sqlite:///{tmp_path}/a b%3Fc.sqlite")

    assert [found.at for found in second.read()] == [AT]
    first.close()
    second.close()


MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
tmpfs /run tmpfs rw 0 0
server:/share /home/me/My\\040Share nfs4 rw 0 0
//nas/desk /mnt/nas cifs rw 0 0
sshfs /mnt/far fuse.sshfs rw 0 0
s3 /mnt/s3 fuse.s3fs rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "kind", "words"),
    [
        ("/home/me/ledger.sqlite", "ext4", ""),
        ("/run/ledger.sqlite", "tmpfs", "forgets everything"),
        ("/running/ledger.sqlite", "ext4", ""),
        ("/home/me/My Share/x/ledger.sqlite", "nfs4", "two machines"),
        ("/mnt/nas/ledger.sqlite", "cifs", "PostgreSQL URL"),
        ("/mnt/far/ledger.sqlite", "fuse.sshfs", "two machines"),
        ("/mnt/s3/ledger.sqlite", "fuse.s3fs", "up to that program"),
    ],
)
def test_what_a_folder_cannot_promise_is_said(tmp_path, path, kind, words):
    mounts = tmp_path / "mounts"
    mounts.write_text(MOUNTS)

    assert filesystem.kind(path, mounts) == kind
    assert words in filesystem.caveat(path, mounts)
    assert bool(filesystem.caveat(path, mounts)) == bool(words)


def test_a_system_that_does_not_tell_its_mounts_gets_no_caveat(tmp_path):
    assert filesystem.caveat(tmp_path, tmp_path / "missing") == ""


@pytest.mark.skipif(not os.path.isdir("/dev/shm"), reason="no folder in memory at /dev/shm")
def test_a_ledger_in_a_folder_in_memory_opens_and_says_so():
    import tempfile

    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        opened = open_ledger(f"{folder}/ledger.sqlite")
        opened.close()

    assert "forgets everything" in opened.caveats[0]


@pytest.mark.postgres
def test_a_server_that_does_not_wait_for_its_disk_is_told(postgres_server):
    opened = open_ledger(postgres_server.new_ledger())  # the session's server runs with fsync=off
    opened.close()

    assert "fsync=off" in opened.caveats[0]


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full-like limits of Linux")
def test_a_full_disk_is_told_and_nothing_half_recorded(tmp_path):
    opened = open_ledger(tmp_path / "ledger.sqlite")
    opened.append([event("before")])
    with opened._store.backend.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    opened.close()
    opened = open_ledger(tmp_path / "ledger.sqlite")
    with opened._store.backend.engine.connect() as connection:  # the pool hands this connection out again
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")

    with pytest.raises(LedgerError, match="the disk is full; nothing was recorded"):
        opened.append([event("too-much", fill="x" * 100_000)])

    assert [found.event_id for found in opened.read()] == ["before"]
    opened.close()
