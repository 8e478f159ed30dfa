"""Pages of a few words, without a script: log in, the page is full, something went wrong. In the page's own colours."""

from functools import cache
from pathlib import Path

from workbench.widgets.tokens import css_variables

SHARE = Path(__file__).parent / "share"
CLIENT = Path(__file__).parents[1] / "widgets" / "static" / "page_client.bundle.js"
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_FRAME = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Workbench: {title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="dark light">
{head}<style>{css}</style></head><body class="wb-page"><main class="notice-page">
{body}
</main></body></html>"""


@cache
def page_css() -> str:
    """Tokens and the frame of the page; `html` carries the theme, so it is right before the first paint."""
    return css_variables("html") + "\n" + (SHARE / "page.css").read_text(encoding="utf-8")


@cache
def page_client() -> str:
    """What a page runs that shows this package's own widgets only; goes into it as it is."""
    return CLIENT.read_text(encoding="utf-8")


def notice(title: str, body: str, head: str = "") -> str:
    """A page. `body` and `head` are HTML: whatever comes from outside is escaped by who writes them."""
    return _FRAME.format(title=title, head=head, css=page_css(), body=body)
