"""The shape scan on a million bars, beside stumpy.match in the same run.

`core_s`: CPU seconds of one core for 1e6 bars × 64 templates × 8 lengths (24 to 256 bars), best of three (quick: one).
`million_per_core_s`: million bar·patterns a core-second in that run. `stumpy_million_per_core_s`: stumpy.match of 4
templates of 64 bars over 200,000 of the same bars (quick: 1 over 60,000), CPU time, compiled
beforehand, on one thread, which wastes none; its work is linear in both. `speedup_vs_stumpy`: the ratio. `brush_ms`:
one brushed window of 60 bars at five lengths over 136 series of 6,000 bars, wall. `live_ms`: the newest bar of 100
series against 64 templates at 8 lengths. The bars are a seeded random walk with fat tails; the templates are cut from
it.
"""

import tempfile
import time
from pathlib import Path

import numpy as np

from workbench.bench.peer_env import STUMPY, peer_asks, peer_python
from workbench.quant.shapes import lengths_around, newest, scan, shape, without_overlap

LENGTHS = (24, 32, 48, 64, 96, 128, 192, 256)
PATTERNS, BARS, THRESHOLD = 64, 1_000_000, 0.97

_STUMPY = """
import json, os, sys, time
os.environ['NUMBA_NUM_THREADS'] = '1'
import numpy as np, stumpy
x = np.load(sys.argv[1], allow_pickle=False)
queries, bars = int(sys.argv[2]), int(sys.argv[3])
stumpy.match(x[:64], x[:2000], max_matches=10)
began = time.process_time()
for q in range(queries):
    stumpy.match(x[1000 * q:1000 * q + 64], x[:bars], max_matches=1000)
print(json.dumps(queries * bars / (time.process_time() - began) / 1e6))
"""


def figures(quick: bool = False) -> dict[str, float]:
    rng = np.random.default_rng(20240101)
    x = (rng.standard_t(4, BARS) * 1e-3).cumsum()
    starts = rng.integers(0, BARS - 300, PATTERNS)
    bank = np.array([shape(x[at : at + LENGTHS[n % len(LENGTHS)]]) for n, at in enumerate(starts)])
    scan([x[:5000]], bank, LENGTHS, THRESHOLD)  # compiled before it is timed
    core_s = min(_core_s(lambda: scan([x], bank, LENGTHS, THRESHOLD)) for _ in range(1 if quick else 3))
    found = {"core_s": core_s, "million_per_core_s": BARS * PATTERNS * len(LENGTHS) / core_s / 1e6}
    found |= {"brush_ms": _brush_ms(x), "live_ms": _live_ms(x, bank)}
    return found | _beside_stumpy(x, found["million_per_core_s"], quick)


def _beside_stumpy(x: np.ndarray, ours: float, quick: bool) -> dict[str, float]:
    python = peer_python(STUMPY)
    if python is None:
        return {}
    queries, bars = ("1", "60000") if quick else ("4", "200000")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.npy"
        np.save(path, x[: int(bars)], allow_pickle=False)
        theirs = float(peer_asks(python, _STUMPY, str(path), queries, bars))
    return {"stumpy_million_per_core_s": theirs, "speedup_vs_stumpy": ours / theirs}


def _brush_ms(x: np.ndarray) -> float:
    many = [x[at * 6000 : (at + 1) * 6000] for at in range(136)]
    template = shape(x[1000:1060])[None]
    began = time.perf_counter()
    hits = scan(many, template, lengths_around(60), 0.85, first=False)
    without_overlap(hits)
    return (time.perf_counter() - began) * 1e3


def _live_ms(x: np.ndarray, bank: np.ndarray) -> float:
    tails = [x[at * 1000 : at * 1000 + LENGTHS[-1]] for at in range(100)]
    newest(tails, bank, LENGTHS)
    began = time.perf_counter()
    newest(tails, bank, LENGTHS)
    return (time.perf_counter() - began) * 1e3


def _core_s(work) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began
