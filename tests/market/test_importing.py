"""Files of other programs: understood, judged whole, refused by file, row and value."""

import gzip
import json
import os
from datetime import UTC, datetime

import pandas as pd
import pytest

from tests.support import real_candles
from workbench.domain.candles import as_candles
from workbench.domain.errors import CandleError
from workbench.domain.market import Timeframe
from workbench.market import sample
from workbench.market.importing import import_files, read_file
from workbench.market.lake import Lake

CANDLES = sample.load("BTC/USD")[:50]
RAW = CANDLES.rename_axis("date").reset_index()
HEADER = "date,open,high,low,close,volume\n"
GOOD = "2024-01-01 00:00:00,10,12,9,11,5\n2024-01-01 01:00:00,11,13,10,12,5\n"


def in_ms(frame=RAW):
    return [
        [int(at.timestamp() * 1000), *row]
        for at, row in zip(frame["date"], frame.iloc[:, 1:].values.tolist(), strict=True)
    ]


def write_json(path):
    path.write_text(json.dumps(in_ms()))


def write_json_gz(path):
    path.write_bytes(gzip.compress(json.dumps(in_ms()).encode()))


def write_dump(path):
    """A dump without header, times in microseconds, more columns than needed."""
    path.write_text("".join(f"{row[0] * 1000},{','.join(map(repr, row[1:]))},0,1,2\n" for row in in_ms()))


def write_odd_names(path):
    frame = RAW.rename(columns=lambda name: "Date" if name == "date" else f"BTC.{name.title()}")
    frame[["Date", "BTC.Open", "BTC.Close", "BTC.High", "BTC.Low", "BTC.Volume"]].to_csv(path, index=False)


WRITERS = {
    "BTC_USD-30m.feather": lambda path: RAW.to_feather(path),
    "BTC_USD-30m.parquet": lambda path: RAW.to_parquet(path),
    "BTC-USD-30m.parquet": lambda path: CANDLES.to_parquet(path),
    "BTC_USD-30m.csv": lambda path: RAW.to_csv(path, index=False),
    "BTC_USD-30m.csv.gz": lambda path: RAW.to_csv(path, index=False),
    "BTC_USD-30m.json": write_json,
    "BTC_USD-30m.json.gz": write_json_gz,
    "BTC-USD-30m.csv": write_dump,
    "btc_usd-30m.csv": write_odd_names,
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_kind_of_file_gives_the_same_candles(tmp_path, name):
    path = tmp_path / name
    WRITERS[name](path)

    (found,) = read_file(path)

    assert found.symbol.upper() == "BTC/USD"
    assert found.timeframe.text == "30m"
    pd.testing.assert_frame_equal(found.candles, CANDLES)


def test_the_shipped_sample_imports_as_it_is(tmp_path):
    lake = Lake(tmp_path)

    import_files(lake, "sample", [sample.file_of("XRP/USD")])

    pd.testing.assert_frame_equal(lake.read("sample", "XRP/USD", "30m"), sample.load("XRP/USD"))


def test_a_file_of_many_markets_is_taken_whole_or_in_part(tmp_path):
    frame = pd.concat([RAW.assign(symbol="A/USD"), RAW[:20].assign(symbol="B/USD")])
    frame.to_parquet(tmp_path / "many.parquet")

    whole = list(read_file(tmp_path / "many.parquet"))
    (part,) = read_file(tmp_path / "many.parquet", "B/USD")

    assert [(one.symbol, len(one.candles), one.timeframe.text) for one in whole] == [
        ("A/USD", 50, "30m"),
        ("B/USD", 20, "30m"),
    ]
    assert len(part.candles) == 20
    with pytest.raises(CandleError, match="holds no C/USD; it holds A/USD, B/USD"):
        list(read_file(tmp_path / "many.parquet", "C/USD"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEADER + "2024-01-01,10,12,9,abc,5\n", r"row 2: close is 'abc', not a finite number"),
        (HEADER + GOOD + "2024-01-01 02:00:00,11,13,10,,5\n", r"row 4: close is empty"),
        (HEADER + GOOD + "2024-01-01 02:00:00,11,13,12,12,5\n", r"row 4: not a candle \(open 11, high 13, low 12"),
        (HEADER + GOOD + "yesterday,11,13,10,12,5\n", r"row 4: 'yesterday' is not a time"),
        (HEADER + GOOD + "2024-01-01 02:17:00,11,13,10,12,5\n", r"row 4: no 1h bar opens at 2024-01-01 02:17:00Z"),
        (
            HEADER + GOOD + "2024-01-01 01:00:00,11,14,10,12,5\n",
            r"row 4: 2024-01-01 01:00:00Z stands in row 3 with other",
        ),
        ("date,open,high,low,close\n2024-01-01,1,2,1,2\n", r"column 'volume' is missing; it has date, open"),
        ("when,open,high,low,close,volume\n2024-01-01,1,2,1,2,3\n", r"a time column \(opened_at, date"),
        (HEADER, "holds no candles"),
        ("", "cannot be read"),
    ],
)
def test_what_is_wrong_is_named_by_file_row_and_value(tmp_path, text, said):
    path = tmp_path / "a.csv"
    path.write_text(text)

    with pytest.raises(CandleError, match=said) as caught:
        list(read_file(path, "A/USD", Timeframe.parse("1h")))
    assert "a.csv" in str(caught.value)


def test_nothing_is_half_imported(tmp_path):
    lake = Lake(tmp_path / "lake")
    (tmp_path / "A_USD-1h.csv").write_text(HEADER + GOOD)
    (tmp_path / "B_USD-1h.csv").write_text(HEADER + GOOD + "2024-01-01 02:00:00,11,13,10,99,5\n")

    with pytest.raises(CandleError, match=r"B_USD-1h\.csv, row 4: not a candle"):
        import_files(lake, "v", [tmp_path / "A_USD-1h.csv", tmp_path / "B_USD-1h.csv"])

    assert lake.list() == []


def test_repeats_and_disorder_are_mended_and_told(tmp_path):
    lines = (HEADER + GOOD).splitlines(keepends=True)
    (tmp_path / "A_USD-1h.csv").write_text("".join([lines[0], lines[2], lines[1], lines[2]]))

    (found,) = read_file(tmp_path / "A_USD-1h.csv")

    assert (len(found.candles), found.repeats, found.unfinished) == (2, 1, 0)
    assert as_candles(found.candles).equals(found.candles)
    assert found.notes == ("its times carry no zone and were taken as UTC",)


def test_a_zone_is_honoured(tmp_path):
    (tmp_path / "A_USD-1h.csv").write_text(HEADER + GOOD.replace(":00,", ":00+02:00,"))

    (found,) = read_file(tmp_path / "A_USD-1h.csv")

    assert found.candles.index[0] == datetime(2023, 12, 31, 22, tzinfo=UTC)
    assert found.notes == ()


def test_a_bar_that_was_forming_when_the_file_was_written_is_left_out(tmp_path):
    path = tmp_path / "A_USD-1h.csv"
    path.write_text(HEADER + GOOD)
    at = datetime(2024, 1, 1, 1, 20, tzinfo=UTC).timestamp()
    os.utime(path, (at, at))

    (found,) = read_file(path)

    assert (len(found.candles), found.unfinished) == (1, 1)


def test_the_length_of_bars_is_guessed_and_told(tmp_path):
    path = tmp_path / "candles.csv"
    path.write_text(HEADER + GOOD)

    (found,) = read_file(path, "A/USD")

    assert found.timeframe.text == "1h"
    assert "taken for 1h bars by their spacing" in found.notes
    with pytest.raises(CandleError, match="name it with --symbol"):
        list(read_file(path))


@pytest.mark.parametrize(
    ("name", "said"),
    [("none.csv", "no such file"), ("x.xlsx", "cannot tell its kind"), ("rubbish.parquet", "cannot be read")],
)
def test_files_that_are_none_are_refused(tmp_path, name, said):
    if name != "none.csv":
        (tmp_path / name).write_bytes(b"rubbish")

    with pytest.raises(CandleError, match=said):
        list(read_file(tmp_path / name, "A/USD"))


def test_importing_again_changes_nothing(tmp_path):
    lake = Lake(tmp_path / "lake")
    RAW.to_feather(tmp_path / "BTC_USD-30m.feather")

    ((_, first),) = import_files(lake, "v", [tmp_path / "BTC_USD-30m.feather"])
    ((_, second),) = import_files(lake, "v", [tmp_path / "BTC_USD-30m.feather"])

    assert (first.new, second.new, second.same) == (50, 0, 50)


def test_a_year_of_real_pairs_imports(tmp_path):
    lake = Lake(tmp_path)

    done = import_files(lake, "spot", [real_candles.path_of("5m")])

    assert len(done) == 12
    assert {found.timeframe.text for found, _ in done} == {"5m"}
    expected = as_candles(real_candles.load("5m", "BTC/USDT")["BTC/USDT"])
    pd.testing.assert_frame_equal(lake.read("spot", "BTC/USDT", "5m"), expected)
