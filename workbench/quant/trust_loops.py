"""The compiled loops under `workbench.quant.aggregation`, which says what they compute and why.

rounds : (n_experts,). tables : (7, n_experts, n_levels), rows named below. values, weights : (n_experts, n_levels); a
row of values with NaN or infinity is a silent expert. who : (number of the rule, row of the house or -1). limits :
(band, floor, rate, √lag, probation, shared).
"""

import numba
import numpy as np

REGRET, COUNTED, PENALTY, SQUARES, REACH, FIRST_REACH, LOSS = range(7)


@numba.njit(cache=True, error_model="numpy")
def advance(rounds, tables, values, outcome, levels, who, limits):
    """Tables and rounds after one outcome."""
    weights = weigh(rounds, tables, values, who, limits)
    return _step(rounds, tables, values, weights, (outcome, levels), limits)


@numba.njit(cache=True, error_model="numpy")
def _eta(reach, squares, rate):
    """BOA's learning rate of one expert and level, before caution."""
    return 0.5 / reach if squares <= 4 * rate * reach * reach else np.sqrt(rate / squares)


@numba.njit(cache=True, error_model="numpy")
def _awake(values):
    awake = np.ones(values.shape[0], dtype=np.bool_)
    for k in range(values.shape[0]):
        for level in range(values.shape[1]):
            awake[k] &= np.isfinite(values[k, level])
    return awake


@numba.njit(cache=True, error_model="numpy")
def weigh(rounds, tables, values, who, limits):
    """Weights, columns summing to 1; all zero where everybody is silent."""
    (rule, house), (_, _, rate, caution, probation, _) = who, limits
    n, m = values.shape
    awake = _awake(values)
    known = awake & (rounds >= probation)
    if not known.any():
        known[:] = awake
        if house >= 0 and awake[house]:
            known[:] = False
            known[house] = True
        rule = -1
    weights = np.zeros((n, m))
    for level in range(m):
        column = weights[:, level]
        if rule == 0:
            _boa_column(column, known, tables[:, :, level], rate, caution)
        elif rule == 1:
            _poly_column(column, known, tables[:, :, level])
        if column.sum() == 0:
            column[:] = known
        if column.sum() > 0:
            column /= column.sum()
    return weights


@numba.njit(cache=True, error_model="numpy")
def _boa_column(column, known, table, rate, caution):
    top, eta = -np.inf, np.zeros(column.size)
    for k in range(column.size):
        if known[k]:
            eta[k] = _eta(table[REACH, k], table[SQUARES, k], rate) / caution
            column[k] = eta[k] * (table[COUNTED, k] - table[PENALTY, k])
            top = max(top, column[k])
    for k in range(column.size):
        if known[k]:
            column[k] = eta[k] * np.exp(column[k] - top)


@numba.njit(cache=True, error_model="numpy")
def _poly_column(column, known, table):
    for k in range(column.size):
        if known[k]:
            column[k] = max(table[COUNTED, k], 0.0) / (table[REACH, k] ** 2 + table[SQUARES, k])


@numba.njit(cache=True, error_model="numpy")
def mix(values, weights, band):
    """Weighted sum of the clipped values, (n_levels,)."""
    mixed = np.zeros(values.shape[1])
    for k in range(values.shape[0]):
        for level in range(values.shape[1]):
            if weights[k, level] > 0:
                mixed[level] += weights[k, level] * min(max(values[k, level], -band), band)
    return mixed


@numba.njit(cache=True, error_model="numpy")
def _step(rounds, tables, values, weights, truth, limits):
    outcome, levels = truth
    band, floor, rate, caution, probation, shared = limits
    awake, after = _awake(values), tables.copy()
    known, combined = awake & (rounds >= probation), mix(values, weights, band)
    steps = _steps(np.clip(values, -band, band), awake, combined, truth)
    for level in range(levels.size):
        for k in range(rounds.size):
            if awake[k]:
                miss = outcome - min(max(values[k, level], -band), band)
                after[LOSS, k, level] += max(levels[level] * miss, (levels[level] - 1) * miss)
    if shared:
        for k in range(rounds.size):
            steps[k] = steps[k].mean()
    for level in range(levels.size):
        scale = 1.0
        for k in range(rounds.size):
            if known[k] and abs(steps[k, level]) > tables[REACH, k, level]:
                scale = min(scale, tables[REACH, k, level] / abs(steps[k, level]))
        for k in range(rounds.size):
            if awake[k]:
                _credit(after[:, k, level], steps[k, level], scale, known[k], (floor, rate, caution))
    return after, rounds + awake


@numba.njit(cache=True, error_model="numpy")
def _steps(clipped, awake, combined, truth):
    """r of every expert at every level; 0 where silent."""
    outcome, levels = truth
    steps = np.zeros(clipped.shape)
    for level in range(levels.size):
        slope = (1.0 if outcome < combined[level] else 0.0) - levels[level]
        for k in range(awake.size):
            if awake[k]:
                steps[k, level] = slope * (combined[level] - clipped[k, level])
    return steps


@numba.njit(cache=True, error_model="numpy")
def _credit(cell, step, scale, known, limits):
    """Enter one step into the seven sums of one expert and level."""
    floor, rate, caution = limits
    cell[REGRET] += step
    if not known:  # probation only tells the scale
        cell[REACH] = max(abs(step), floor, cell[REACH])
        cell[FIRST_REACH] = cell[REACH]
        return
    part = scale * step
    cell[PENALTY] += _eta(cell[REACH], cell[SQUARES], rate) / caution * part * part
    cell[COUNTED] += part
    cell[SQUARES] += part * part
    cell[REACH] = max(cell[REACH], abs(step))
