"""The lake keeps what it promised, whatever names, kills, merges and disks do."""

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path

import fsspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import lake_writer as writer
from tests.support.lake_writer import MINUTE, START, SYMBOLS, candle, table
from workbench.domain.candles import as_candles
from workbench.domain.errors import CandleError
from workbench.domain.market import Timeframe
from workbench.market import sample
from workbench.market.lake import Lake, Written
from workbench.market.lake_paths import Series

KILLS = 20
ROOT = Path(__file__).parents[2]


@pytest.fixture(params=["local", "memory"])
def lake(request, tmp_path):
    """A local lake, and one on an object store with a local log."""
    if request.param == "local":
        yield Lake(tmp_path / "lake")
        return
    yield Lake(f"memory://lake{tmp_path.name}", local=tmp_path)
    with suppress(FileNotFoundError):
        fsspec.filesystem("memory").rm(f"/lake{tmp_path.name}", recursive=True)


def test_what_was_written_is_read(lake):
    candles = sample.load("BTC/USD")

    told = lake.write("sample", "BTC/USD", "30m", candles)

    assert told == Written(new=35_019)
    assert lake.read("sample", "BTC/USD", "30m").equals(candles)
    assert lake.read("sample", "ETH/USD", "30m").empty


def test_a_stretch_is_read_from_its_start_to_before_its_end(lake):
    candles = sample.load("BTC/USD")
    lake.write("sample", "BTC/USD", "30m", candles)
    since, until = datetime(2018, 1, 31, 23, tzinfo=UTC), datetime(2018, 3, 1, tzinfo=UTC)

    found = lake.read("sample", "BTC/USD", "30m", since, until)

    assert found.equals(candles[(candles.index >= since) & (candles.index < until)])
    assert found.index[0] == since
    assert lake.read("sample", "BTC/USD", "30m", until, since).empty


def test_a_second_write_says_what_it_changed(lake):
    lake.write("v", "BTC/USD", MINUTE, table("BTC/USD", range(300)))
    corrected = table("BTC/USD", range(298, 302))
    corrected.iloc[0, corrected.columns.get_loc("volume")] = 7.5

    told = lake.write("v", "BTC/USD", MINUTE, corrected)

    assert told == Written(new=2, replaced=1, same=1)
    assert lake.read("v", "BTC/USD", MINUTE)["volume"].iloc[298] == 7.5


def test_reading_sees_log_and_record_together(lake):
    lake.write("v", "BTC/USD", MINUTE, table("BTC/USD", range(200)))
    lake.append("v", "BTC/USD", MINUTE, table("BTC/USD", range(199, 204)))
    lake.append_candles("v", [candle("BTC/USD", 204), candle("ETH/USD", 3)])

    found = lake.read("v", "BTC/USD", MINUTE)

    assert found.equals(as_candles(table("BTC/USD", range(205))))
    lake.merge()
    assert lake.read("v", "BTC/USD", MINUTE).equals(found)
    assert len(lake.read("v", "ETH/USD", MINUTE)) == 1


def test_a_bar_given_later_overrules_an_earlier_one(lake):
    late = table("BTC/USD", [5]).assign(volume=99.0)
    later = table("BTC/USD", [5]).assign(volume=100.0)

    lake.append("v", "BTC/USD", MINUTE, table("BTC/USD", range(10)))
    lake.append("v", "BTC/USD", MINUTE, late)
    assert lake.read("v", "BTC/USD", MINUTE)["volume"].iloc[5] == 99.0
    lake.write("v", "BTC/USD", MINUTE, later)
    assert lake.read("v", "BTC/USD", MINUTE)["volume"].iloc[5] == 100.0
    lake.merge()

    assert lake.read("v", "BTC/USD", MINUTE)["volume"].iloc[5] == 100.0


def test_the_list_names_every_series(lake):
    lake.write("v", "BTC/USD", MINUTE, table("BTC/USD", range(200)))
    lake.append("v", "BTC/USD", MINUTE, table("BTC/USD", [200, 201]))
    lake.append("w", "ETH/USD:USD-240329", "1m", table("ETH/USD", [0]))

    found = lake.list()

    assert [(s.series.venue, s.series.symbol, s.rows, s.hot) for s in found] == [
        ("v", "BTC/USD", 202, 2),
        ("w", "ETH/USD:USD-240329", 1, 1),
    ]
    assert (found[0].first, found[0].last) == (START, START + 201 * MINUTE.step)


def test_a_check_names_gaps(lake):
    lake.write("v", "BTC/USD", MINUTE, table("BTC/USD", [0, 1, 2, 5, 6]))
    lake.append("v", "BTC/USD", MINUTE, table("BTC/USD", [9]))

    found = lake.check("v", "BTC/USD", MINUTE)

    assert [(writer.number(gap.first), gap.bars) for gap in found.gaps] == [(3, 2), (7, 2)]
    assert found.rows == 6


def test_bars_off_the_grid_and_open_times_without_zone_are_refused(lake):
    off = table("BTC/USD", [0]).shift(freq="7s")

    with pytest.raises(CandleError, match="no 1m bar opens at 2024-01-31 22:00:07"):
        lake.write("v", "BTC/USD", MINUTE, off)
    with pytest.raises(CandleError, match="without a zone"):
        lake.append("v", "BTC/USD", MINUTE, table("BTC/USD", [0]).tz_localize(None))
    with pytest.raises(CandleError, match="has no zone"):
        lake.read("v", "BTC/USD", MINUTE, datetime(2024, 1, 1))
    assert lake.list() == []


HOSTILE = [
    "../../etc/passwd",
    "..",
    ".",
    "/",
    "//",
    "a/../b",
    "C:\\x",
    "con",
    "BTC/USD\n",
    "btc/usd",
    "-",
    "_",
    "💥/€",
    "~",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_text_and_never_a_path(tmp_path, name):
    inside = tmp_path / "inside"
    lake = Lake(inside)

    lake.write(name, name, MINUTE, table("x", [0]))
    lake.append(name, name, MINUTE, table("x", [1]))

    assert [path.name for path in tmp_path.iterdir()] == ["inside"]
    assert sorted(path.name for path in inside.iterdir()) == ["candles", "hot"]
    assert [(s.series.venue, s.series.symbol, s.rows) for s in lake.list()] == [(name, name, 2)]


@pytest.mark.parametrize("name", ["", "x" * 81, "a\0b", "\ud800"])
def test_what_cannot_be_a_name_is_refused(name):
    with pytest.raises(CandleError, match="cannot name a symbol"):
        Series("v", name, MINUTE)


@settings(max_examples=300)
@given(st.text(min_size=1, max_size=20), st.text(min_size=1, max_size=20))
def test_two_names_never_meet_in_one_folder(one, other):
    try:
        first, second = Series("v", one, MINUTE), Series("v", other, MINUTE)
    except CandleError:
        return
    folder = first.folder

    assert (folder.lower() == second.folder.lower()) == (one == other)
    assert Series.of_folder(folder) == first
    assert ".." not in folder
    assert folder.count("/") == 2
    assert not folder.startswith("/")


def test_strangers_files_are_passed_over(tmp_path):
    lake = Lake(tmp_path)
    lake.write("v", "BTC/USD", MINUTE, table("BTC/USD", [0]))
    for name in ("notes.txt", "2024-01.parquet", "v/x/9q/2024-01.parquet", "v/low/1m/2024-02.parquet"):
        (tmp_path / "candles" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "candles" / name).write_bytes(b"hello")

    assert [s.series.symbol for s in lake.list()] == ["BTC/USD"]


def test_a_damaged_month_is_named_and_never_read(tmp_path):
    lake = Lake(tmp_path)
    lake.write("v", "BTC/USD", MINUTE, table("BTC/USD", range(100)))
    path = tmp_path / "candles/v/BTC_USD/1m/2024-01.parquet"
    data = bytearray(path.read_bytes())
    data[300] ^= 1
    path.write_bytes(data)

    with pytest.raises(CandleError, match=r"2024-01 of BTC/USD 1m of v .* is damaged"):
        lake.read("v", "BTC/USD", MINUTE)
    with pytest.raises(CandleError, match="is damaged"):
        lake.write("v", "BTC/USD", MINUTE, table("BTC/USD", range(100)))


def test_a_torn_log_keeps_every_whole_record(tmp_path):
    lake = Lake(tmp_path)
    for n in range(5):
        lake.append("v", "BTC/USD", MINUTE, table("BTC/USD", [n]))
    lake.close()
    log = tmp_path / "hot/bars.log"
    whole = log.read_bytes()

    for cut in range(len(whole) - 60, len(whole)):
        log.write_bytes(whole[:cut])
        again = Lake(tmp_path)
        assert len(again.read("v", "BTC/USD", MINUTE)) == 4
        again.append("v", "BTC/USD", MINUTE, table("BTC/USD", [7]))
        assert len(Lake(tmp_path).read("v", "BTC/USD", MINUTE)) == 5


def test_damage_inside_the_log_costs_that_record_only_and_is_kept_aside(tmp_path):
    lake = Lake(tmp_path)
    for n in range(5):
        lake.append("v", "BTC/USD", MINUTE, table("BTC/USD", [n]))
    log = tmp_path / "hot/bars.log"
    data = bytearray(log.read_bytes())
    data[16 + (len(data) - 16) // 5 * 2 + 30] ^= 255
    log.write_bytes(data)

    again = Lake(tmp_path)
    found = again.read("v", "BTC/USD", MINUTE)
    again.merge()

    assert [writer.number(at) for at in found.index] == [0, 1, 3, 4]
    assert [path.read_bytes() for path in (tmp_path / "hot").glob("damaged-*.log")] == [bytes(data)]
    assert Lake(tmp_path).read("v", "BTC/USD", MINUTE).equals(found)


def test_nothing_promised_is_lost_by_kills(tmp_path):
    """A real process appends, merges and writes; it is killed at random moments; every promise must be kept."""
    rng, first, promised = np.random.default_rng(7), 0, set()
    command = [sys.executable, "-m", "tests.support.lake_writer", str(tmp_path)]
    nursery = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, text=True, bufsize=1)

    for _ in range(KILLS):
        nursery.stdin.write(f"{first}\n")
        told = [nursery.stdout.readline(), nursery.stdout.readline()]
        child = next(int(line.split()[1]) for line in told if line.startswith("pid"))
        time.sleep(rng.uniform(0, 0.15))
        os.kill(child, signal.SIGKILL)
        told += takewhile(lambda line: line not in ("dead\n", ""), iter(nursery.stdout.readline, None))
        promised |= {int(line) for line in told if line[0].isdigit()}
        first = max(promised) + 1

        for symbol in SYMBOLS:
            found = Lake(tmp_path).read("venue", symbol, MINUTE)
            numbers = [writer.number(at) for at in found.index]
            assert promised <= set(numbers)
            assert found.equals(as_candles(table(symbol, numbers)))
    nursery.stdin.close()
    nursery.wait()
    assert len(promised) > KILLS


def test_threads_and_readers_share_a_lake(tmp_path):
    def record(symbol):
        mine = Lake(tmp_path)
        for n in range(60):
            mine.append_candles("v", [candle(symbol, n)])
            if n % 20 == 19:
                mine.merge()

    writers = [threading.Thread(target=record, args=(symbol,)) for symbol in ("A/USD", "B/USD", "C/USD")]
    for thread in writers:
        thread.start()
    seen = 0
    reader = Lake(tmp_path)
    while any(thread.is_alive() for thread in writers):
        rows = len(reader.read("v", "A/USD", MINUTE))
        assert rows >= seen, "a bar that was read has vanished"
        seen = rows
    for thread in writers:
        thread.join()

    for symbol in ("A/USD", "B/USD", "C/USD"):
        assert reader.read("v", symbol, MINUTE).equals(as_candles(table(symbol, range(60))))


def test_a_full_log_is_merged_by_the_next_append(tmp_path, monkeypatch):
    monkeypatch.setattr("workbench.market.lake.HOT_LIMIT", 500)
    lake = Lake(tmp_path)

    for n in range(30):
        lake.append("v", "BTC/USD", MINUTE, table("BTC/USD", [n]))

    assert (tmp_path / "hot/bars.log").stat().st_size < 1000
    assert len(lake.read("v", "BTC/USD", MINUTE)) == 30


def test_a_remote_lake_without_a_local_folder_keeps_no_log():
    with pytest.raises(CandleError, match="local=folder"):
        Lake("memory://nolog").append("v", "BTC/USD", MINUTE, table("BTC/USD", [0]))


def test_a_folder_that_cannot_be_written_says_so(tmp_path):
    (tmp_path / "candles").write_text("a file stands where the folder should be")

    with pytest.raises(CandleError, match="Not a directory"):
        Lake(tmp_path).write("v", "BTC/USD", MINUTE, table("BTC/USD", [0]))


def test_a_disk_that_is_full_costs_no_bar_that_was_promised(tmp_path):
    """A limit on the size of files stands for the full disk: the write stops half way, as there."""
    lake, log = Lake(tmp_path), tmp_path / "hot/bars.log"
    lake.append("v", "BTC/USD", MINUTE, table("BTC/USD", range(10)))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size + 100, hard))
    try:
        with pytest.raises(CandleError, match="the newest bars are not kept"):
            lake.append("v", "BTC/USD", MINUTE, table("BTC/USD", range(10, 20)))
        with pytest.raises(CandleError, match="cannot be written"):
            lake.write("v", "ETH/USD", MINUTE, table("ETH/USD", range(1000)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    lake.append("v", "BTC/USD", MINUTE, table("BTC/USD", [20]))

    numbers = [*range(10), 20]
    assert Lake(tmp_path).read("v", "BTC/USD", MINUTE).equals(as_candles(table("BTC/USD", numbers)))
    assert [path.name for path in (tmp_path / "candles").rglob("*") if path.is_file()] == []


def test_other_timeframes_are_other_series(lake):
    lake.write("v", "BTC/USD", "30m", sample.load("BTC/USD")[:100])

    assert lake.read("v", "BTC/USD", "1h").empty
    assert [s.series.timeframe for s in lake.list()] == [Timeframe.parse("30m")]
    assert isinstance(lake.read("v", "BTC/USD", "30m"), pd.DataFrame)
