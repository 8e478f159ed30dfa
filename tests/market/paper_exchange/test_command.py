"""`workbench exchange serve`: one ready line, a clean end, and one clear sentence for each fault."""

import asyncio
import json
import signal
import socket

import pandas as pd
import pytest

from tests.market.paper_exchange.builders import candles
from tests.market.paper_exchange.test_state import process
from workbench import cli
from workbench.domain.portfolio import MoneyMode
from workbench.market.lake import Lake


@pytest.fixture
def failing(capsys):
    def run(*args):
        status = cli.main(["exchange", "serve", "--port", "0", *map(str, args)])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


async def test_it_says_where_it_is_and_ends_cleanly():
    async with process("--speed", "900") as (server, said, venue):
        clock = await venue.clock()
        server.send_signal(signal.SIGTERM)
        status = await asyncio.wait_for(server.wait(), 60)

    assert set(said) == {"url", "run_id", "mode", "symbols", "timeframe"}
    assert (said["mode"], said["timeframe"]) == ("replay", "30m")
    assert said["symbols"] == ["BTC/USD", "EOS/USD", "ETH/USD", "LTC/USD", "XRP/USD"]
    assert (clock.mode, clock.run_id) == (MoneyMode.REPLAY, said["run_id"])
    assert status == 0


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--from", "1999-01-01"], "lies outside the candles, which reach from 2017-10-01 00:00 to 2019-10-01"),
        (["--from", "soon"], "is not a date"),
        (["--speed", "0"], "is not one"),
        (["--symbols", "DOGE/USD"], "no market 'DOGE/USD' here"),
        (["--candles", "/nowhere/at/all.parquet"], "there are no candles at /nowhere/at/all.parquet"),
        (["--timeframe", "45m"], "cannot make bars of 45m"),
        (["--timeframe", "ages"], "unknown timeframe"),
        (["--fee-bps", "free"], "is not a fee"),
        (["--source", "mount-gox"], "ccxt knows no exchange 'mount-gox'"),
        (["--source", "binance", "--source-url", "http://127.0.0.1:9", "--symbols", "BTC/USD"], "cannot be reached"),
    ],
)
def test_a_fault_is_one_clear_sentence(failing, args, words):
    status, output, complaint = failing(*args)

    assert (status, output) == (1, "")
    assert complaint.startswith("workbench: ")
    assert words in complaint
    assert len(complaint.strip().splitlines()) == 1


def test_a_taken_port_is_told_and_no_state_is_left_behind(failing, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        status, _, complaint = failing("--port", port, "--state", tmp_path / "venue.sqlite")

    assert status == 1
    assert complaint.strip() == f"workbench: port {port} is taken; choose another with --port, or 0 for any free one"
    assert list(tmp_path.iterdir()) == []


async def test_a_file_of_candles_is_replayed_at_its_own_bar_length(tmp_path):
    path = tmp_path / "bars.parquet"
    table = candles(50).reset_index(names="ts")
    pd.concat([table.assign(symbol="AAA/USDT"), table.assign(symbol="BBB/USDT")]).to_parquet(path)

    async with process("--candles", path, "--symbols", "bbb", "--paused") as (_, said, venue):
        clock = await venue.clock()

    assert (said["symbols"], said["timeframe"]) == (["BBB/USDT"], "30m")
    assert json.loads(json.dumps(said["url"])).startswith("http://127.0.0.1:")
    assert clock.paused


async def test_longer_bars_are_made_on_request():
    async with process("--timeframe", "2h", "--symbols", "BTC/USD") as (_, said, _):
        assert said["timeframe"] == "2h"


async def test_a_lake_is_replayed_by_venue_and_bar_length(tmp_path):
    lake = Lake(tmp_path)
    lake.write("kraken", "BTC/USD", "30m", candles(60))
    lake.write("kraken", "ETH/USD", "30m", candles(60, seed=2))

    async with process("--candles", tmp_path, "--paused", "--timeframe", "1h") as (_, said, _):
        pass
    lake.write("binance", "BTC/USDT", "30m", candles(60))
    async with process("--candles", f"{tmp_path}@binance", "--paused") as (_, other, _):
        pass

    assert (said["symbols"], said["timeframe"]) == (["BTC/USD", "ETH/USD"], "1h")
    assert other["symbols"] == ["BTC/USDT"]


def test_a_lake_of_several_venues_asks_which(tmp_path, failing):
    for venue in ("kraken", "binance"):
        Lake(tmp_path).write(venue, "BTC/USD", "30m", candles(60))

    status, _, complaint = failing("--candles", tmp_path)

    assert status == 1
    assert f"name one, as {tmp_path}@binance" in complaint
