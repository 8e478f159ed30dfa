"""Whether a picture shows the drawings that there are, in 30 minute bars."""

from datetime import timedelta

import pytest

from workbench.domain.drawings import Level, Note, TrendLine, Zone

HALF_A_BAR = timedelta(minutes=15)  # a drawing's moment is a bar's open; it is drawn at the bar's middle


def assert_pictured(picture, drawings, author):
    """What each drawing's own geometry says must be seen in the frame is there, at its place, and nothing else is."""
    axes = picture["layer"][0]["encoding"]
    (start, end), (low, high) = axes["x"]["scale"]["domain"], axes["y"]["scale"]["domain"]
    seen = {
        row["of"].removeprefix(f"{author}/"): row
        for name, rows in picture["datasets"].items()
        if name.startswith("p0_")
        for row in rows
        if "of" in row
    }
    assert set(seen) <= set(drawings)
    for drawing_id, drawing in drawings.items():
        row = seen.get(drawing_id)
        match drawing.shape:
            case Level(price):
                assert (row is not None) == (low <= price <= high)
                assert row is None or row["p"] == row["p2"] == price
            case Note(where):
                at = ms(where.at + HALF_A_BAR)
                assert (row is not None) == (start <= at <= end and low <= where.price <= high)
                assert row is None or (row["t"], row["p"]) == (at, where.price)
            case TrendLine() as line:
                for t, p in [(row["t"], row["p"]), (row["t2"], row["p2"])] if row else []:
                    moment = line.start.at + timedelta(milliseconds=t - ms(line.start.at)) - HALF_A_BAR
                    assert p == pytest.approx(line.price_at(moment), rel=1e-6)
            case Zone(bottom, top, since, until):
                left = max(start, ms(since + HALF_A_BAR)) if since else start
                right = min(end, ms(until + HALF_A_BAR)) if until else end
                inside = left < right and max(low, bottom) < min(high, top)
                assert (row is not None) == inside
                if inside:
                    place = (row["t"], row["t2"], row["p"], row["p2"])
                    assert place == (left, right, max(low, bottom), min(high, top))


def ms(at):
    return at.timestamp() * 1000
