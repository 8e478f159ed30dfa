"""Slow, obvious twins of workbench.quant's learning rooms: loops over single numbers, straight from the definitions."""

import math
from itertools import product


def pinball(level, quantile, outcome):
    return level * (outcome - quantile) if outcome >= quantile else (1 - level) * (quantile - outcome)


def quantile(levels, values, p):
    """The fan read linearly between levels, flat outside: as `domain.Forecast.quantile` does."""
    if p <= levels[0]:
        return values[0]
    for (a, low), (b, high) in zip(
        zip(levels, values, strict=True), zip(levels[1:], values[1:], strict=True), strict=False
    ):
        if p <= b:
            return low + (high - low) * (p - a) / (b - a)
    return values[-1]


def crps(levels, values, outcome, cuts=2000):
    """Twice the mean pinball loss over all probabilities, by the midpoint rule."""
    steps = [(i + 0.5) / cuts for i in range(cuts)]
    return 2 * sum(pinball(p, quantile(levels, values, p), outcome) for p in steps) / cuts


def worst_window(hits, width):
    return min(sum(hits[i : i + width]) / width for i in range(len(hits) - width + 1))


class Trust:
    """One level of trust as the docstring of workbench.quant.aggregation states it."""

    def __init__(self, rule, level):
        self.rule, self.level, self.past = rule, level, {}

    def weights(self, said):
        awake = [k for k, x in said.items() if math.isfinite(x)]
        known = [k for k in awake if self.past.get(k, {"n": 0})["n"] >= self.rule.probation]
        if not known:
            sole = [self.rule.house] if self.rule.house in awake else awake
            return {k: 1 / len(sole) for k in sole}
        raw = {}
        for k in known:
            p = self.past[k]
            if self.rule.rule == "boa":
                raw[k] = self.eta(p) * math.exp(self.eta(p) * (p["counted"] - p["penalty"]))
            else:
                raw[k] = max(p["counted"], 0) / (p["reach"] ** 2 + p["squares"])
        total = sum(raw.values())
        return {k: w / total if total else 1 / len(known) for k, w in raw.items()}

    def eta(self, p):
        by_squares = math.sqrt(self.rule.rate / p["squares"]) if p["squares"] else math.inf
        return min(0.5 / p["reach"], by_squares) / math.sqrt(self.rule.lag)

    def mixed(self, said):
        clipped = {k: min(max(x, -self.rule.band), self.rule.band) for k, x in said.items() if math.isfinite(x)}
        return sum(w * clipped[k] for k, w in self.weights(said).items()), clipped

    def steps(self, said, outcome):
        mixed, clipped = self.mixed(said)
        slope = (1 if outcome < mixed else 0) - self.level
        return {k: slope * (mixed - x) for k, x in clipped.items()}

    def learn(self, steps):
        known = [k for k in steps if self.past.get(k, {"n": 0})["n"] >= self.rule.probation]
        scale = min([1.0, *(self.past[k]["reach"] / abs(steps[k]) for k in known if steps[k])])
        for k, r in steps.items():
            p = self.past.setdefault(k, dict.fromkeys(("n", "regret", "counted", "penalty", "squares", "reach"), 0))
            if k in known:
                p["penalty"] += self.eta(p) * (scale * r) ** 2
                p["counted"] += scale * r
                p["squares"] += (scale * r) ** 2
            p["reach"] = max(p["reach"], abs(r), self.rule.floor)
            p["regret"] += r
            p["n"] += 1


def isotonic(values):
    """max over starts of min over ends of the mean between."""
    n = len(values)
    return [max(min(sum(values[a : b + 1]) / (b + 1 - a) for b in range(i, n)) for a in range(i + 1)) for i in range(n)]


def trailing_mean(values, window, least):
    out = []
    for t in range(len(values)):
        seen = [v for v in values[max(0, t - window + 1) : t + 1] if math.isfinite(v)]
        out.append(sum(seen) / len(seen) if len(seen) >= max(least, 1) else math.nan)
    return out


def ewma(returns, decay):
    out = []
    for t in range(len(returns)):
        seen = [r for r in returns[: t + 1] if math.isfinite(r)]
        weights = [decay ** (len(seen) - 1 - i) for i in range(len(seen))]
        out.append(sum(w * r * r for w, r in zip(weights, seen, strict=True)) / sum(weights) if seen else math.nan)
    return out


def garch_sum(model, returns, horizon):
    """Variance summed over the horizon after the last return, one step at a time."""
    variance = model.omega + (model.alpha + model.beta) * model.start
    for r in returns:
        variance = model.omega + model.alpha * (r - model.mu) ** 2 + model.beta * variance
    total = 0.0
    for _ in range(horizon):
        total += variance
        variance = model.omega + (model.alpha + model.beta) * variance
    return total


def regimes_given(likelihood, transition, start, upto, at):
    """P(regime at `at` | bars 0..upto) by summing over every path. likelihood : density by bar and regime."""
    k = len(start)
    mass = [0.0] * k
    for path in product(range(k), repeat=upto + 1):
        p = start[path[0]] * likelihood[0][path[0]]
        for t in range(1, upto + 1):
            p *= transition[path[t - 1]][path[t]] * likelihood[t][path[t]]
        mass[path[at]] += p
    return [m / sum(mass) for m in mass]
