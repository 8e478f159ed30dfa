"""How a replay begins: on which grid, where, and under which name; or where its state file says it stopped."""

import hashlib
import math
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pandas as pd

from workbench.domain.errors import StartError
from workbench.market.paper_exchange.recording import STEPS, Recording
from workbench.market.paper_exchange.settings import ExchangeOptions
from workbench.market.paper_exchange.store import Store

WARM_UP_BARS = 500


@dataclass(frozen=True)
class Opening:
    recording: Recording
    position: int
    run_id: str


def open_replay(options: ExchangeOptions, store: Store | None) -> Opening:
    """Begin a run, or go on with the one in `store`. Raises StartError for a date outside the candles, or a state file
    that belongs to other candles."""
    print_of = _fingerprint(options)
    facts = store.facts() if store else {}
    if facts:
        if facts.get("candles") != print_of:
            assert store
            raise StartError(
                f"the state file {store.path} belongs to a replay of other candles; name another with --state"
            )
        recording = Recording.of(options.candles, options.timeframe, facts["shift_ms"])
        return Opening(recording, facts["position"], facts["run_id"])
    shift_ms, recording, position = _fresh(options)
    run_id = f"replay-{secrets.token_hex(4)}"
    if store:
        store.note(position=position, candles=print_of, shift_ms=shift_ms, run_id=run_id)
    return Opening(recording, position, run_id)


def _fresh(options: ExchangeOptions) -> tuple[int, Recording, int]:
    recording = Recording.of(options.candles, options.timeframe)
    bar = _first_bar(recording, options.start)
    if not options.rebase_now:
        return 0, recording, bar * STEPS
    now_ms = int(time.time() * 1000)
    opened = int(options.timeframe.open_of(datetime.fromtimestamp(now_ms / 1000, UTC)).timestamp() * 1000)
    shift_ms = opened - recording.time_of(bar * STEPS)
    shifted = Recording.of(options.candles, options.timeframe, shift_ms)
    return shift_ms, shifted, shifted.position_of(now_ms)


def _first_bar(recording: Recording, start: datetime | None) -> int:
    if start is None:
        return min(WARM_UP_BARS, recording.bars // 2)
    bar = math.ceil((start.timestamp() * 1000 - recording.first_ms) / recording.timeframe.milliseconds)
    if not 0 <= bar < recording.bars:
        raise StartError(f"--from {start:%Y-%m-%d} lies outside the candles, which reach from {recording.span()}")
    return bar


def _fingerprint(options: ExchangeOptions) -> str:
    """Same candles, same text."""
    digest = hashlib.sha256(str(options.timeframe).encode())
    for symbol, table in sorted(options.candles.items()):
        digest.update(symbol.encode())
        digest.update(np.ascontiguousarray(pd.util.hash_pandas_object(table).to_numpy()).tobytes())
    return digest.hexdigest()[:32]
