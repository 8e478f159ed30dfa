"""What outcomes have taught of one market and span of time: trust in bots, calibration of what they say together.

The collective fan is read at the probabilities that would have covered so far (adaptive conformal inference, see
`quant.conformal`), so that "90 %" comes to mean 90 % whatever the bots do.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from workbench.domain.errors import ValueRefused
from workbench.domain.forecasts import Forecast
from workbench.quant.aggregation import Trust, new_trust, rule_for
from workbench.quant.conformal import Calibration, calibration_for, observed, played
from workbench.quant.fans import LEVELS, quantiles_at

FURTHEST = 1e-6  # probabilities read are kept this far from 0 and 1, where a quantile would be infinite


@dataclass(frozen=True, slots=True)
class Heard:
    """Frozen: outcomes make a new one."""

    trust: Trust
    calibration: Calibration

    def to_text(self) -> str:
        return json.dumps({**json.loads(self.trust.to_json()), "calibration": asdict(self.calibration)})

    @classmethod
    def from_text(cls, text: str) -> "Heard":
        """Inverse of `to_text`. Raises ValueRefused where the text is none of ours."""
        trust = Trust.from_json(text)
        try:
            told = json.loads(text)["calibration"]
            lists = {name: tuple(told[name]) for name in ("levels", "theta", "hits")}
            counted, paired = int(told["rounds"]), bool(told.get("paired", False))  # one of before pairs had none
            return cls(trust, Calibration(**lists, step=float(told["step"]), rounds=counted, paired=paired))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueRefused(f"this is not a calibration: {error}") from error

    def published(self, fan: np.ndarray, outcome: float) -> "Heard":
        """After `outcome` answered the collective `fan` (len(LEVELS),), both in σ."""
        return replace(self, calibration=observed(self.calibration, fan, outcome))


def new_heard(bars: int) -> Heard:
    """Nothing known yet of a horizon of so many bars, each of which may be asked about."""
    steps = max(1, bars)
    return Heard(new_trust(rule_for(steps)), calibration_for(steps))


def read_at(calibration: Calibration) -> tuple[float, ...]:
    """The probabilities at which the collective fan is read now, one for each of LEVELS."""
    return tuple(np.clip(played(calibration), FURTHEST, 1 - FURTHEST).tolist())


def calibrated(forecast: Forecast, probabilities: Sequence[float]) -> Forecast:
    """`forecast` with each quantile read at what `probabilities` (one for each of LEVELS, linear between) say of its
    level; beyond its outermost quantiles the tail goes on as `quant.fans` has it, in logarithms of the price."""
    wanted = np.interp(forecast.levels, LEVELS, probabilities)
    logs = quantiles_at(forecast.levels, np.log(forecast.values), wanted)
    return replace(forecast, values=tuple(np.exp(np.maximum.accumulate(logs)).tolist()))
