"""Is the collective worth its trouble? Four bots and the house on the recorded hourly set, walk-forward, hour by hour.

Bots say where the price will be one hour on: each divides past returns by its own variance forecast (EWMA, HAR,
GARCH-t, the shared pooled model; refitted every 480 hours on what had matured), takes the quantiles, and scales them by
its forecast of now. The house says the unconditional distribution of the last month. What is scored is what would be
published: trust (BOA over all symbols), then conformal levels a symbol, from outcomes known at the time only.

crps_ratio : mean CRPS of the collective ÷ that of the best of the four in hindsight; _garbage, with five more bots
that talk nonsense (random walks of five sigmas, a false certainty, a fan 50 sigmas wide, "always up by three", Cauchy
noise); _uniform, the plain mean of the four; _uniform_garbage, of all nine. worst_coverage_90 : the emptiest window of
500 hours of the published 90 % interval, over twelve symbols; _oracle, that of an interval that is exactly right, as
simulated in `honest_windows` (mean of 60 runs). update_us : one outcome into trust and calibration, nine bots.
Not quick: the same 24 hours ahead (…_24h), where twelve times twenty-four outcomes are always under way.
coverage_24h_worst : the emptiest 500 hours there, beside coverage_24h_worst_oracle and the range _low to _high that
nine of ten oracles keep to: about twenty independent days in a window, and the emptiest of 12 × 3,000 windows.
The calibration's step was chosen on this set, one hour ahead; how trust and calibration change with the horizon
(`rule_for`, `calibration_for`) on other candles and simulations. The bounds depend on neither.

walk_forward_s : all forecasts of four bots × 12 symbols × 1,000 origins, fits included; autoreg_s, ets_s : a loop of
statsmodels' AutoReg (24 lags) and of its ETS (additive errors, level only) over the same 12,000 origins, one bot's
worth, each refitted on the 500 hours before: extrapolated from samples of 120 and 48 fits.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from workbench.bench import volatility as walk
from workbench.bench.crypto import hourly_majors
from workbench.bench.honest_windows import honest_worst, mean_correlation
from workbench.quant.aggregation import Trust, TrustRule, admit, combine, new_trust, rule_for, updated
from workbench.quant.conformal import calibrated, calibration_for, new_calibration, observed, within
from workbench.quant.fans import LEVELS
from workbench.quant.panels import Panel
from workbench.quant.return_fans import future_returns, learn_shape, return_fan
from workbench.quant.scoring import covered, crps, worst_window
from workbench.quant.volatility import ewma_variance, log_returns, trailing_mean

MONTH, EDGE = 720, 8.0


def figures(quick: bool = False) -> dict[str, float]:
    panel = hourly_majors()
    found = {**_ratios(panel, 1, ""), "update_us": _update_us()}
    found["worst_coverage_90_oracle"] = float(_oracle(panel, 1).mean())
    if not quick:
        found |= _ratios(panel, 24, "_24h")
        found["coverage_24h_worst"] = found.pop("worst_coverage_90_24h")
        oracle = _oracle(panel, 24)
        found["coverage_24h_worst_oracle"] = float(oracle.mean())
        found["coverage_24h_worst_oracle_low"] = float(np.quantile(oracle, 0.05))
        found["coverage_24h_worst_oracle_high"] = float(np.quantile(oracle, 0.95))
    return {**found, **_speed(panel)}


def _oracle(panel: Panel, horizon: int) -> np.ndarray:
    """Emptiest windows of exact intervals over as many hours and symbols, as alike as they were before the start."""
    hours, symbols = len(panel.close) - horizon - walk.START, len(panel.symbols)
    alike = mean_correlation(log_returns(panel.close[: walk.START]))
    return honest_worst((hours, symbols), horizon, alike, np.random.default_rng(24))


def _ratios(panel: Panel, horizon: int, suffix: str) -> dict[str, float]:
    truth, scale = (
        future_returns(panel.close, horizon),
        np.sqrt(horizon * ewma_variance(log_returns(panel.close), 0.98)),
    )
    house, bots = _fans(panel, horizon)
    names = list(bots)
    stop = len(truth) - horizon
    rows = slice(walk.START, stop)

    def loss(fan: np.ndarray) -> float:
        return float(crps(LEVELS, fan[rows], truth[rows]).mean())

    def hits(fan: np.ndarray) -> np.ndarray:
        return covered(LEVELS, fan[rows], truth[rows], 0.9)

    four = np.stack([bots[name] for name in names], axis=2)
    nine = np.concatenate([four, _garbage(scale)], axis=2)
    best = min(map(loss, bots.values()))
    sane, fouled = (_published(house, fans, truth, scale, horizon) for fans in (four, nine))
    return {
        f"crps_ratio{suffix}": loss(sane) / best,
        f"crps_ratio_garbage{suffix}": loss(fouled) / best,
        f"crps_ratio_uniform{suffix}": loss(four.mean(axis=2)) / best,
        f"crps_ratio_uniform_garbage{suffix}": loss(nine.mean(axis=2)) / best,
        f"worst_coverage_90{suffix}": worst_window(hits(sane), 500),
        f"worst_coverage_90_garbage{suffix}": worst_window(hits(fouled), 500),
        f"coverage_90{suffix}": float(hits(sane).mean()),
    }


def _fans(panel: Panel, horizon: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The house's fan, and each bot's, (n_bars, n_symbols, n_levels), log returns; NaN before the start."""
    returns = log_returns(panel.close)
    smooth = horizon * ewma_variance(returns, 0.98)
    variances = {
        "ewma": smooth,
        "har": walk.har(panel, horizon),
        "garch": walk.garch(panel, horizon),
        "pooled": walk.pooled(panel, horizon),
    }
    plain = horizon * trailing_mean(returns**2, MONTH, least=168)
    house = _fan(panel, plain, smooth, horizon)
    return house, {name: _fan(panel, variance, smooth, horizon) for name, variance in variances.items()}


def _fan(panel: Panel, variance: np.ndarray, spare: np.ndarray, horizon: int) -> np.ndarray:
    """Tails from a bot's own matured forecasts, or while it has none (the first block) from EWMA's."""
    truth = future_returns(panel.close, horizon)
    out = np.full((*truth.shape, len(LEVELS)), np.nan)
    for first, stop in walk.blocks(panel):
        past = slice(0, first - horizon)
        own = np.isfinite(truth[past] / variance[past]).sum() >= 2000
        shape = learn_shape(truth[past], variance[past] if own else spare[past])
        out[first:stop] = return_fan(variance[first:stop], shape)
    return out


def _garbage(scale: np.ndarray) -> np.ndarray:
    """Five bots' nonsense, (n_bars, n_symbols, 5, n_levels)."""
    rng, line = np.random.default_rng(5), np.linspace(-1, 1, len(LEVELS))
    wild, cauchy = rng.normal(0, 5, (*scale.shape, line.size)), rng.standard_t(1, (*scale.shape, line.size))
    flat = [np.broadcast_to(fan, wild.shape) for fan in (0.01 * line, 50 * line, 3 + line)]
    return np.stack([np.sort(wild, -1), *flat, np.sort(cauchy, -1)], axis=2) * scale[:, :, None, None]


@dataclass(frozen=True, slots=True, eq=False)
class _Round:
    """What was said of one symbol at one hour. said : (n_experts, n_levels); published : (n_levels,), in sigmas."""

    said: np.ndarray
    published: np.ndarray


def _published(house, fans, truth, scale, horizon) -> np.ndarray:
    """The collective fan of house and `fans` as it would have been published, (n_bars, n_symbols, n_levels)."""
    said = np.concatenate([house[:, :, None], fans], axis=2) / scale[:, :, None, None]
    n, symbols = truth.shape
    names = ("house", *(f"bot{i}" for i in range(fans.shape[2])))
    trust = _trust(names, symbols, horizon)
    books = [calibration_for(horizon) for _ in range(symbols)]
    out = np.full(house.shape, np.nan)
    rounds: dict[tuple[int, int], _Round] = {}
    for t in range(walk.START, n - horizon):
        for j in range(symbols):
            made = rounds.pop((t - horizon, j), None)
            if made is not None:
                outcome = truth[t - horizon, j] / scale[t - horizon, j]
                trust = updated(trust, made.said, outcome)
                books[j] = observed(books[j], made.published, outcome)
        for j in range(symbols):
            mixed = combine(trust, said[t, j])
            assert mixed is not None  # the house always speaks
            fan = within(calibrated(books[j], LEVELS, mixed.values), -EDGE, EDGE)
            out[t, j] = fan * scale[t, j]
            rounds[t, j] = _Round(said[t, j], fan)
    return out


def _trust(names: tuple[str, ...], symbols: int, horizon: int) -> Trust:
    return admit(new_trust(rule_for(horizon, symbols, probation=24 * symbols, house="house")), names)


def _update_us() -> float:
    """Median microseconds of one outcome into trust (nine bots) and calibration."""
    rng = np.random.default_rng(1)
    trust = admit(new_trust(TrustRule(probation=1)), tuple(f"bot{i}" for i in range(9)))
    book, said = new_calibration(LEVELS), np.sort(rng.normal(size=(2000, 9, len(LEVELS))), axis=-1)
    spent = []
    for fan, outcome in zip(said, rng.normal(size=2000), strict=True):
        began = time.perf_counter()
        trust = updated(trust, fan, outcome)
        book = observed(book, fan[0], outcome)
        spent.append(time.perf_counter() - began)
    return float(np.median(spent[100:]) * 1e6)


def _speed(panel: Panel) -> dict[str, float]:
    from statsmodels.tsa.ar_model import AutoReg
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel
    from threadpoolctl import threadpool_limits

    short = panel.rows(walk.START + 1000)
    began = time.perf_counter()
    _fans(short, 1)
    ours = time.perf_counter() - began
    returns, prices = log_returns(panel.close), 100 * np.log(panel.close)
    with threadpool_limits(1):  # their fits are too small to share between cores
        autoreg = _loop_s(lambda hours: AutoReg(hours, lags=24).fit().forecast(1), returns, 10)
        ets = _loop_s(lambda hours: ETSModel(hours).fit(disp=False).forecast(1), prices, 4)
    return {"walk_forward_s": ours, "autoreg_s": autoreg, "ets_s": ets}


def _loop_s(forecast: Callable[[np.ndarray], object], series: np.ndarray, origins: int) -> float:
    """Seconds that 1,000 origins of every column would take, from `origins` of them."""
    began = time.perf_counter()
    for origin in np.linspace(walk.START, walk.START + 999, origins, dtype=int):
        for column in series.T:
            forecast(column[origin - 500 : origin])
    return (time.perf_counter() - began) * 1000 / origins
