"""Variance of the next 24 hours on the recorded hourly set, walk-forward, beside the classical forecasts of it.

QLIKE (smaller is better), mean over twelve majors and every hour after the first 2,400 (100 days): each model is fitted
on what had matured by the start of a block of 480 hours and forecasts that block. `qlike` is the shared pooled model;
`qlike_har` log-HAR with smearing, `qlike_garch` GARCH(1, 1)-t by maximum likelihood, `qlike_ewma` the best of three
decays chosen in hindsight, in its favour; `qlike_last` the variance of the 24 hours before. `p_value_har` is Diebold–
Mariano of the pooled model against HAR on the mean over symbols. Not quick: `qlike_arch`, GARCH(1, 1)-t of the package
`arch` on the same walk, in an environment of its own.
"""

import tempfile
from pathlib import Path

import numpy as np

from workbench.bench.crypto import hourly_majors
from workbench.bench.peer_env import ARCH, peer_asks, peer_python
from workbench.quant.garch import fit_garch, garch_variance
from workbench.quant.panels import Panel, features
from workbench.quant.pooled import forecast_variance, train_volatility
from workbench.quant.scoring import diebold_mariano, qlike
from workbench.quant.volatility import (
    ewma_variance,
    fit_har,
    future_variance,
    har_variance,
    log_returns,
    realised_variance,
)

HORIZON, START, BLOCK, DECAYS = 24, 2400, 480, (0.94, 0.97, 0.985)


_ARCH = """
import json, sys
import numpy as np
from arch import arch_model

given = np.load(sys.argv[1])
returns, blocks, horizon = 100 * given["returns"], given["blocks"], int(given["horizon"])
out = np.full(returns.shape, np.nan)
for first, stop in blocks:
    for j, series in enumerate(returns.T):
        known = np.nan_to_num(series[1:stop])  # the first return is none
        model = arch_model(known, mean="Constant", vol="GARCH", p=1, q=1, dist="t", rescale=False)
        fitted = model.fit(last_obs=first - 1, disp="off")
        ahead = fitted.forecast(horizon=horizon, start=first - 1, reindex=False).variance.to_numpy()
        out[first:stop, j] = ahead.sum(axis=1)[: stop - first] / 1e4
np.save(sys.argv[2], out)
print(json.dumps(True))
"""


def figures(quick: bool = False) -> dict[str, float]:
    panel = hourly_majors()
    realised = future_variance(panel.close, HORIZON)
    fans = {"": pooled(panel), "_har": har(panel), "_garch": garch(panel), "_last": last(panel)}
    fans |= {} if quick else _of_arch(panel)
    losses = {name: qlike(realised, forecast)[START:-HORIZON] for name, forecast in fans.items()}
    returns = log_returns(panel.close)
    smooth = [qlike(realised, HORIZON * ewma_variance(returns, decay))[START:-HORIZON] for decay in DECAYS]
    losses["_ewma"] = min(smooth, key=np.mean)
    found = {f"qlike{name}": float(loss.mean()) for name, loss in losses.items()}
    test = diebold_mariano(losses[""].mean(axis=1), losses["_har"].mean(axis=1), HORIZON)
    return {**found, "p_value_har": test.p_value, "forecasts": float(losses[""].size)}


def blocks(panel: Panel):
    """(first, stop) rows of each block to forecast; models may use rows before `first` only."""
    for first in range(START, len(panel.close), BLOCK):
        yield first, min(first + BLOCK, len(panel.close))


def pooled(panel: Panel, horizon: int = HORIZON) -> np.ndarray:
    """Walk-forward forecasts of the shared model, (n_bars, n_symbols); NaN before the start."""
    known, out = features(panel), np.full_like(panel.close, np.nan)
    for first, stop in blocks(panel):
        model = train_volatility(panel.rows(first), horizon, known=known[:first])
        out[first:stop] = forecast_variance(model, known[first:stop])
    return out


def _of_arch(panel: Panel) -> dict[str, np.ndarray]:
    """Forecasts of the package `arch`; empty where its environment cannot be made here."""
    python = peer_python(ARCH)
    if python is None:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        given, made = Path(folder) / "given.npz", Path(folder) / "made.npy"
        np.savez(given, returns=log_returns(panel.close), blocks=np.array(list(blocks(panel))), horizon=HORIZON)
        peer_asks(python, _ARCH, str(given), str(made), timeout_s=1800)
        return {"_arch": np.load(made)}


def har(panel: Panel, horizon: int = HORIZON) -> np.ndarray:
    out = np.full_like(panel.close, np.nan)
    for first, stop in blocks(panel):
        for j, closes in enumerate(panel.close.T):
            out[first:stop, j] = har_variance(fit_har(closes[:first], horizon), closes[:stop])[first:]
    return out


def garch(panel: Panel, horizon: int = HORIZON) -> np.ndarray:
    out, returns = np.full_like(panel.close, np.nan), log_returns(panel.close)
    for first, stop in blocks(panel):
        for j, series in enumerate(returns.T):
            out[first:stop, j] = garch_variance(fit_garch(series[1:first]), series[1:stop], horizon)[first - 1 :]
    return out


def last(panel: Panel) -> np.ndarray:
    return realised_variance(panel.close, HORIZON)
