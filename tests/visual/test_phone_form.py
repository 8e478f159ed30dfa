"""Any chart on a phone: within its width, with letters that can be read there, and the same data."""

import re

import pandas as pd
import pytest

from workbench.market.sample import load
from workbench.visual import correlation_charts
from workbench.visual.chart_spec import SCREEN
from workbench.visual.phone_form import PHONE_WIDTH, for_phone
from workbench.visual.picture import spec_of, svg
from workbench.visual.regime_chart import regime_chart

NAMES = ["BTC/USD", "ETH/USD", "LTC/USD", "XRP/USD", "EOS/USD"]
MATRIX = pd.DataFrame([[1.0 if a == b else 0.3 for a in NAMES] for b in NAMES], NAMES, NAMES)
PATH = load("BTC/USD").iloc[:300][["close"]].assign(turbulent=0.4)


@pytest.mark.parametrize(
    "chart",
    [
        correlation_charts.heatmap(MATRIX),
        regime_chart(PATH, [PATH.index[99].to_pydatetime()], "BTC/USD 30m"),
        correlation_charts.rolling_line(PATH.assign(correlation=0.5, low=0.3, high=0.7), "a pair"),
    ],
    ids=["heatmap", "regime", "line"],
)
def test_a_chart_fits_a_phone_and_can_be_read_there(chart):
    drawn = svg(for_phone(spec_of(chart)))

    width = float(re.search(r'width="([\d.]+)"', drawn)[1])
    sizes = [float(size) for size in re.findall(r'font-size="([\d.]+)px"', drawn)]
    assert width <= PHONE_WIDTH
    assert min(sizes) * SCREEN / PHONE_WIDTH >= 9
    assert all(name in svg(for_phone(spec_of(correlation_charts.heatmap(MATRIX)))) for name in NAMES)


def test_the_data_and_the_chart_it_came_from_are_left_alone():
    spec = {"data": {"values": [{"width": 900}]}, "hconcat": [{"width": 900, "height": 900}, {"width": 50}]}

    made = for_phone(spec)

    assert made["data"] == spec["data"]
    assert [part["width"] for part in made["vconcat"]] == [370, 50]
    assert made["vconcat"][0]["height"] == 370
    assert spec["hconcat"][0]["width"] == 900
