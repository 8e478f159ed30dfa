"""What people and bots have drawn, on a sheet."""

from workbench.domain.drawings import INKS, Drawing, Level, Note, TrendLine, Zone
from workbench.visual.chart_spec import Panel
from workbench.visual.market_layers import ms
from workbench.visual.sheet import Sheet
from workbench.visual.tokens import bot_colour

BOT = "bot:"


def put_drawings(sheet: Sheet, panel: Panel, form: str) -> None:
    """A point drawn at a bar's open time stands in the middle of that bar, as in the live chart."""
    half = panel.timeframe.milliseconds / 2
    for drawing in panel.drawings:
        _put(sheet, drawing, half, form)


def _put(sheet: Sheet, drawing: Drawing, half: float, form: str) -> None:
    frame, ink, style = sheet.frame, ink_of(sheet, drawing), drawing.style
    of = f"{drawing.board.user}/{drawing.drawing_id}"
    above = -frame.line_px / 2 - 1
    match drawing.shape:
        case Level(price):
            sheet.stroke(frame.start, price, frame.end, price, ink, style.width, style.dash, of)
            sheet.tag(price, format(price, form), ink, drawing.text)
        case TrendLine(start, end, extended):
            first, last = ms(start.at) + half, ms(end.at) + half
            right = max(last, frame.end) if extended else last
            slope = (end.price - start.price) / (last - first)
            sheet.stroke(
                first, start.price, right, start.price + slope * (right - first), ink, style.width, style.dash, of
            )
            sheet.words(
                max(first, frame.start), _on_line(frame.start, first, start.price, slope), drawing.text, ink, dy=above
            )
        case Zone(low, high, since, until):
            left = ms(since) + half if since else frame.start
            right = ms(until) + half if until else frame.end
            sheet.box(left, low, right, high, ink, ink, 0.13, of)
            sheet.words(max(left, frame.start), high, drawing.text, ink, dy=frame.line_px / 2 + 1)
        case Note(where):
            at = ms(where.at) + half
            if frame.start <= at <= frame.end and frame.low <= where.price <= frame.high:
                sheet.put("signs", [{"t": at, "p": where.price, "c": ink, "shape": "circle", "size": 60, "of": of}])
            sheet.words(at, where.price, drawing.text, ink, dy=above)


def _on_line(edge: float, first: float, price: float, slope: float) -> float:
    return price + slope * max(0.0, edge - first)


def ink_of(sheet: Sheet, drawing: Drawing) -> str:
    """A bot's drawings have the bot's colour unless it chose another."""
    theme, ink, author = sheet.frame.theme, drawing.style.ink, drawing.board.user
    if author.startswith(BOT) and ink == "accent":
        return getattr(bot_colour(author.removeprefix(BOT)), theme.name)
    named = {"accent": theme.accent_text, "up": theme.up_text, "down": theme.down_text, "warning": theme.warning_text}
    return named.get(ink) or (getattr(theme, ink) if ink in INKS else ink)
