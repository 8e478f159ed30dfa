"""What outcomes have taught, as text and back, also as it was written before horizons changed the rule."""

import json

import numpy as np
import pytest

from workbench.domain.errors import ValueRefused
from workbench.orchestration.heard import Heard, new_heard, read_at
from workbench.quant.aggregation import admit, updated
from workbench.quant.fans import LEVELS

FAN = np.linspace(-2, 2, len(LEVELS))


def taught(bars):
    heard = new_heard(bars)
    trust = admit(heard.trust, ("ann", "bob"))
    for outcome in (3.0, 2.5, 4.0):
        trust = updated(trust, np.stack([FAN, 2 * FAN]), outcome)
        heard = heard.published(FAN, outcome)
    return Heard(trust, heard.calibration)


@pytest.mark.parametrize("bars", [1, 24])
def test_what_was_heard_survives_text_to_the_bit(bars):
    heard = taught(bars)

    back = Heard.from_text(heard.to_text())

    assert back.calibration == heard.calibration
    assert back.trust.rule == heard.trust.rule
    assert (back.trust.tables == heard.trust.tables).all()


def test_several_bars_ahead_bots_share_a_weight_and_the_fan_does_not_lean():
    near, far = taught(1), taught(24)

    assert (near.trust.rule.shared, near.calibration.paired) == (False, False)
    assert (far.trust.rule.shared, far.calibration.paired) == (True, True)
    assert far.trust.rule.lag == 118
    read = np.array(read_at(far.calibration))
    assert read + read[::-1] == pytest.approx(1)
    assert read[0] < LEVELS[0]
    assert read_at(near.calibration)[0] > LEVELS[0]


def test_a_state_kept_before_goes_on_by_its_own_rule():
    state = json.loads(taught(1).to_text())
    state["rule"] = {**state["rule"], "lag": 24}
    del state["rule"]["shared"], state["calibration"]["paired"]

    back = Heard.from_text(json.dumps(state))

    assert (back.trust.rule.lag, back.trust.rule.shared, back.calibration.paired) == (24, False, False)


def test_a_text_without_a_calibration_is_refused():
    with pytest.raises(ValueRefused, match="not a calibration"):
        Heard.from_text(taught(1).trust.to_json())
