"""The pre-trade gate in memory: microseconds a verdict at 500 symbols and 20 bots, and whether a limit was ever passed.

`us_per_check` is the median verdict with everything known and most orders allowed; `us_per_check_exact` the same where
the CVaR limit is so near that the scenarios must be gone through; `us_per_ask` adds the reservation. `breaches` counts
moments at which anything held and ordered exceeded a limit while 20 bots asked, filled and cancelled at random.

`reserve_p99_ms`: a reservation in the ledger, 99th percentile over eight processes that each ask ten times a second;
`reserve_alone_p99_ms` of one process alone; `reserve_crowd_p99_ms` while eight reserve as fast as they can: how long
the queue is then. `process_breaches`: ledgers of these in which more than the cap was reserved, two of the eight
processes having been killed on the way.
"""

import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import numpy as np

from workbench.bench import reserving
from workbench.domain.orders import Side
from workbench.domain.risk import BotLimits, Denied, DeskLimits, Intent, Quote
from workbench.quant.gate import Gate, usage
from workbench.quant.marginal_risk import RiskModel
from workbench.quant.reservations import Snapshot

_NOW = datetime(2024, 1, 1, tzinfo=UTC)
_BOT = BotLimits(1e4, 5e4, 1e6, 0.05, 1000, 1.0, 1000, 1.0, 60.0)
_DESK = DeskLimits(5e5, 1e7, 1e7, 1e7, 1e7, 1e7, 1e6, 60.0, 60.0, 3600.0)


def figures(quick: bool = False) -> dict[str, float]:
    """Measure the gate in memory, then reservations across processes."""
    rng = np.random.default_rng(5)
    gate = _desk(rng, symbols=500, bots=20)
    intents = _intents(rng, gate, 2000 if quick else 10_000)
    found = {"us_per_check": _per_call(lambda i: gate.review(i, _NOW), intents)}
    gate.desk = replace(_DESK, cvar_value=gate.tally.risk.cvar * (1 + 1e-9))
    found["us_per_check_exact"] = _per_call(lambda i: gate.review(i, _NOW), intents)
    gate.desk = _DESK
    found["us_per_ask"] = _per_call(lambda i: gate.ask(i, _NOW), intents)
    found["breaches"] = float(_breaches(rng, 3000 if quick else 30_000))
    return found | _across_processes(quick)


def _across_processes(quick: bool) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        alone = reserving.alone(Path(folder), 500 if quick else 5000)
        paced = reserving.paced(Path(folder), count=50 if quick else 400)
        crowd = reserving.crowded([Path(folder) / f"crowd{n}.sqlite" for n in range(2 if quick else 20)])
    return {
        "reserve_p99_ms": float(np.percentile(paced, 99)) * 1000,
        "reserve_alone_p99_ms": float(np.percentile(alone, 99)) * 1000,
        "reserve_crowd_p99_ms": float(np.percentile(crowd.times_s, 99)) * 1000,
        "process_breaches": float(crowd.breaches),
        "processes_killed": float(crowd.killed),
    }


def _desk(rng, symbols: int, bots: int) -> Gate:
    names = tuple(f"C{i}/USD" for i in range(symbols))
    scenarios = (rng.standard_t(4, (500, 1)) + rng.standard_t(4, (500, symbols))) * 0.01
    model = RiskModel(names, np.corrcoef(scenarios.T), scenarios, 0.975, _NOW)
    gate = Gate(_DESK, model, {n: f"k{i % 10}" for i, n in enumerate(names)}, {f"b{i}": "venue" for i in range(bots)})
    for name in names:
        gate.quote(Quote(name, 100.0, 1.0, _NOW))
    for i in range(bots):
        gate.limits[f"b{i}"] = _BOT
        for name in rng.choice(names, min(20, symbols), replace=False):
            gate.reconcile(f"b{i}", str(name), Snapshot(float(rng.uniform(0, 100))), _NOW)
    return gate


def _intents(rng, gate: Gate, count: int) -> list[Intent]:
    names, bots = list(gate.quotes), list(gate.limits)
    return [
        Intent(f"i{k}", bots[k % len(bots)], names[int(rng.integers(len(names)))], Side.BUY, 1.0, 100.0, _NOW)
        for k in range(count)
    ]


def _per_call(call, intents: list[Intent]) -> float:
    """Microseconds a call: the median over batches of 20, short enough that a neighbour's turn falls between them."""
    times = []
    for start in range(0, len(intents), 20):
        batch = intents[start : start + 20]
        began = time.perf_counter()
        for intent in batch:
            call(intent)
        times.append((time.perf_counter() - began) / len(batch))
    return median(times) * 1e6


def _breaches(rng, steps: int) -> int:
    gate = _desk(rng, symbols=12, bots=20)
    used = {(u.rule, u.scope): u.used for u in usage(gate)}
    room = {rule: 1.05 * used[rule, "desk"] for rule in ("gross", "net", "correlated", "CVaR")}
    gate.desk = replace(
        _DESK,
        gross_value=room["gross"],
        net_value=room["net"],
        correlated_value=room["correlated"],
        cvar_value=room["CVaR"],
    )
    names, bots, breached = list(gate.quotes), list(gate.limits), 0
    for k in range(steps):
        now = _NOW + timedelta(milliseconds=k)
        side = Side.BUY if rng.random() < 0.7 else Side.SELL
        amount = float(rng.exponential(5.0))
        who, what = bots[int(rng.integers(20))], names[int(rng.integers(12))]
        verdict = gate.ask(Intent(f"x{k}", who, what, side, amount, 100.0, now, may_shrink=True), now)
        if not isinstance(verdict, Denied) and rng.random() < 0.8:
            gate.settle(f"x{k}", verdict.amount * float(rng.random()), done=bool(rng.random() < 0.5))
        limits = (u for u in usage(gate) if u.rule != "CVaR")  # leaving a hedge may raise CVaR, and is always allowed
        breached += any(u.used > u.cap * (1 + 1e-9) for u in limits)
    return breached
