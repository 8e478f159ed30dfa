"""An Altair chart as PNG or SVG, in the house's colours, with no network and no browser."""

from typing import Any

import altair as alt
import vl_convert

from workbench.domain.errors import ValueRefused
from workbench.visual.tokens import altair_theme

SPEC_VERSION = "v" + ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])


def spec_of(chart: Any, theme: str = "dark") -> dict[str, Any]:
    """The chart as a Vega-Lite specification with its theme inside and its data inlined."""
    spec = chart.to_dict() if hasattr(chart, "to_dict") else dict(chart)
    spec["config"] = altair_theme(theme)["config"] | {k: v for k, v in spec.get("config", {}).items() if k != "view"}
    spec["config"].setdefault("view", {"stroke": "transparent"})
    return spec


def png(chart: Any, theme: str = "dark", scale: float = 1.0) -> bytes:
    """The picture as PNG; scale 2 for a phone. Raises ValueRefused where the chart is none or loads data."""
    return _converted(vl_convert.vegalite_to_png, chart, theme, scale=scale)


def svg(chart: Any, theme: str = "dark") -> str:
    """The picture as SVG text."""
    return _converted(vl_convert.vegalite_to_svg, chart, theme)


def _converted(convert, chart: Any, theme: str, **options):
    spec = spec_of(chart, theme)
    spec["config"]["aria"] = False  # labels for screen readers: a picture has none, and they cost a third of its time
    try:
        return convert(spec, vl_version=SPEC_VERSION, allowed_base_urls=[], **options)
    except ValueError as error:
        raise ValueRefused(f"the chart cannot be drawn: {' '.join(str(error).split())[:200]}") from error
