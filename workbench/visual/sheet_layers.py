"""How each kind of row on a sheet becomes Vega-Lite layers. The rows carry their colours and sizes themselves."""

from collections.abc import Callable
from typing import Any

from workbench.visual.sheet_frame import TAG_WIDTH, Frame

_TAG = "M-33,-8H33V8H-33Z"
_TAG_LARGE = "M-33,-10H33V10H-33Z"
_DASH = {"solid": None, "dashed": [5, 4], "dotted": [1.5, 3]}
Layers = list[dict[str, Any]]


def time_axis(frame: Frame, shown: bool) -> dict[str, Any] | None:
    if not shown:
        return {"labels": False, "ticks": False, "title": None, "grid": True, "domain": False}
    return {
        "title": None,
        "labelFontSize": frame.letters,
        "tickCount": max(3, frame.width // 110),
        "labelOverlap": "greedy",
        "grid": True,
        "labelFlush": False,
    }


def _t(field: str) -> dict[str, Any]:
    return {"field": field, "type": "temporal"}


def _p(field: str) -> dict[str, Any]:
    return {"field": field, "type": "quantitative"}


def _own(field: str) -> dict[str, Any]:
    """A colour or a size that the row itself carries."""
    return {"field": field, "type": "nominal", "scale": None}


def _boxes(frame: Frame) -> Layers:
    """t, t2, p, p2, fill, edge, o: a box in time and price; `o` is the opacity of its fill."""
    encoding = {
        **{"x": _t("t"), "x2": {"field": "t2"}, "y": _p("p"), "y2": {"field": "p2"}},
        **{"fill": _own("fill"), "stroke": _own("edge"), "fillOpacity": {**_p("o"), "scale": None}},
    }
    return [{"mark": {"type": "rect", "strokeWidth": 1}, "encoding": encoding}]


def _strips(frame: Frame) -> Layers:
    """t, t2, y, y2, fill, o: a box in time and pixels from the top."""
    pixels = {"type": "quantitative", "scale": None, "axis": None}
    encoding = {
        **{"x": _t("t"), "x2": {"field": "t2"}, "y": {"field": "y", **pixels}, "y2": {"field": "y2"}},
        **{"fill": _own("fill"), "fillOpacity": {**_p("o"), "scale": None}},
    }
    return [{"mark": {"type": "rect"}, "encoding": encoding}]


def _bodies(frame: Frame) -> Layers:
    """t, t2, p, p2, c: a candle's body, at least a hair high."""
    encoding = {
        **{"x": _t("t"), "x2": {"field": "t2"}, "y": _p("p"), "y2": {"field": "p2"}},
        **{"fill": _own("c"), "stroke": _own("c")},
    }
    return [{"mark": {"type": "rect", "strokeWidth": 0.6}, "encoding": encoding}]


def _wicks(frame: Frame) -> Layers:
    """t, p, p2, c: from the low to the high."""
    encoding = {"x": _t("t"), "y": _p("p"), "y2": {"field": "p2"}, "stroke": _own("c")}
    return [{"mark": {"type": "rule", "strokeWidth": 1}, "encoding": encoding}]


def _columns(frame: Frame) -> Layers:
    """t, p, id, c, w: upright strokes of one colour and width as one path, parted by null prices. For pictures: a
    thousand boxes cost a third of a second to print, a path with as many strokes next to nothing."""
    (path,) = _paths(frame)
    return [{**path, "mark": {"type": "line", "strokeCap": "butt"}}]


def _low_columns(frame: Frame) -> Layers:
    """As columns, but y in pixels from the top, and faint."""
    (path,) = _columns(frame)
    pixels = {"field": "p", "type": "quantitative", "scale": None, "axis": None}
    return [{"mark": path["mark"] | {"strokeOpacity": 0.3}, "encoding": path["encoding"] | {"y": pixels}}]


def _strokes(dash: str) -> Callable[[Frame], Layers]:
    def make(frame: Frame) -> Layers:
        """t, p, t2, p2, c, w: a straight line."""
        mark: dict[str, Any] = {"type": "rule", "strokeCap": "round"}
        if _DASH[dash]:
            mark["strokeDash"] = _DASH[dash]
        encoding = {
            **{"x": _t("t"), "x2": {"field": "t2"}, "y": _p("p"), "y2": {"field": "p2"}},
            **{"stroke": _own("c"), "strokeWidth": {**_p("w"), "scale": None}},
        }
        return [{"mark": mark, "encoding": encoding}]

    return make


def _paths(frame: Frame) -> Layers:
    """t, p, id, c, w: a line through its points in time; a null price breaks it."""
    encoding = {
        **{"x": _t("t"), "y": _p("p"), "detail": {"field": "id", "type": "nominal"}},
        **{"stroke": _own("c"), "strokeWidth": {**_p("w"), "scale": None}},
    }
    return [{"mark": {"type": "line", "strokeJoin": "round"}, "encoding": encoding}]


def _stairs(frame: Frame) -> Layers:
    """As paths, but a value holds until the next one: what a longer bar said, while it was the last."""
    (path,) = _paths(frame)
    return [{**path, "mark": {**path["mark"], "interpolate": "step-after"}}]


def _areas(frame: Frame) -> Layers:
    """t, p, p2, id, c, o: a band between two lines."""
    encoding = {
        **{"x": _t("t"), "y": _p("p"), "y2": {"field": "p2"}, "detail": {"field": "id", "type": "nominal"}},
        **{"fill": _own("c"), "fillOpacity": {**_p("o"), "scale": None}},
    }
    return [{"mark": {"type": "area"}, "encoding": encoding}]


def _signs(frame: Frame) -> Layers:
    """t, p, c, shape, size: a sign at a point, edged with the ground's colour."""
    encoding = {
        **{"x": _t("t"), "y": _p("p"), "fill": _own("c")},
        **{"shape": _own("shape"), "size": {**_p("size"), "scale": None}},
    }
    mark = {"type": "point", "stroke": frame.theme.panel, "strokeWidth": 1.2, "opacity": 1}
    return [{"mark": mark, "encoding": encoding}]


def _words(align: str, dx: int) -> Callable[[Frame], Layers]:
    def make(frame: Frame) -> Layers:
        """t, p, text, c: words in the plot."""
        mark = {"type": "text", "align": align, "baseline": "middle", "dx": dx, "fontSize": frame.letters}
        place = {"x": _t("t"), "y": _p("p"), "text": {"field": "text", "type": "nominal"}, "color": _own("c")}
        return [{"mark": mark, "encoding": place}]

    return make


def _plates(frame: Frame) -> Layers:
    """t, t2, p, p2: a quiet ground behind words. (An outline of the letters would cost a picture twice the time.)"""
    encoding = {"x": _t("t"), "x2": {"field": "t2"}, "y": _p("p"), "y2": {"field": "p2"}}
    mark = {"type": "rect", "fill": frame.theme.panel, "fillOpacity": 0.72, "cornerRadius": 2}
    return [{"mark": mark, "encoding": encoding}]


def _legend(frame: Frame) -> Layers:
    """x, y, text, c: words of the legend, in pixels from the upper left corner."""
    mark = {"type": "text", "align": "left", "baseline": "top", "fontSize": frame.letters}
    pixels = {"type": "quantitative", "scale": None, "axis": None}
    place = {"x": {"field": "x", **pixels}, "y": {"field": "y", **pixels}}
    return [{"mark": mark, "encoding": place | {"text": {"field": "text", "type": "nominal"}, "color": _own("c")}}]


def _ribbon_words(frame: Frame) -> Layers:
    """t, text, c: the name of a regime inside its strip."""
    mark = {"type": "text", "align": "left", "baseline": "top", "dx": 5, "fontSize": frame.letters - 1}
    encoding = {"x": _t("t"), "y": {"value": 3}, "text": {"field": "text", "type": "nominal"}, "color": _own("c")}
    return [{"mark": mark, "encoding": encoding}]


def _tags(frame: Frame) -> Layers:
    """p, text, c, ink: a price at the right edge."""
    shape = _TAG_LARGE if frame.letters > 12 else _TAG
    at = {"x": {"value": frame.width + TAG_WIDTH / 2 + 1}, "y": _p("p")}
    plate = {"type": "point", "shape": shape, "size": 1, "opacity": 1, "strokeWidth": 0}
    words = {"type": "text", "fontSize": frame.letters, "baseline": "middle", "align": "center"}
    return [
        {"mark": plate | {"size": 4}, "encoding": at | {"fill": _own("c")}},
        {"mark": words, "encoding": at | {"text": {"field": "text", "type": "nominal"}, "color": _own("ink")}},
    ]


OUTSIDE = ("tag", "legend")
LAYERS = {
    "volume": _strips,
    "volume_columns": _low_columns,
    "ribbon": _strips,
    "boxes": _boxes,
    "areas": _areas,
    "wicks": _wicks,
    "columns": _columns,
    "bodies": _bodies,
    "stairs": _stairs,
    "paths": _paths,
    "solid": _strokes("solid"),
    "dashed": _strokes("dashed"),
    "dotted": _strokes("dotted"),
    "signs": _signs,
    "ribbon_words": _ribbon_words,
    "plates": _plates,
    "words": _words("left", 5),
    "words_right": _words("right", -6),
    "legend": _legend,
    "tag": _tags,
}
