"""An executed notebook as one page that needs nothing else: no network, no script, no file beside it.

The page forbids itself everything but its own styles and the pictures inside it, so that nothing a notebook shows
can act or call out; and what it shows is rebuilt from text and a few harmless elements anyway.
"""

import base64
import re
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from workbench.integrations.headline import MIME
from workbench.integrations.plain_html import plain_html
from workbench.visual.tokens import css_variables

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_PICTURES = ("image/png", "image/jpeg", "image/svg+xml")
LONGEST = 200_000  # letters of one output
CSS = """
body { margin: 0; background: var(--wb-ground); color: var(--wb-text); font: 13px/1.5 var(--wb-sans); }
main { max-width: 960px; margin: 0 auto; padding: 24px 16px 64px; font-variant-numeric: tabular-nums; }
h1 { font-size: 20px; margin: 0 0 4px; } h2 { font-size: 16px; margin: 24px 0 4px; } h3 { font-size: 13px; }
p { margin: 4px 0 12px; } .muted, summary, time { color: var(--wb-muted); }
a { color: var(--wb-accent-text); }
.figures { display: flex; flex-wrap: wrap; gap: 8px; margin: 16px 0; padding: 0; }
.figures div { background: var(--wb-panel); border: 1px solid var(--wb-line); border-radius: 8px; padding: 8px 12px; }
.figures dt { color: var(--wb-muted); font-size: 12px; } .figures dd { margin: 0; font-size: 20px; }
.fault { border: 1px solid var(--wb-down); border-radius: 8px; padding: 8px 12px; margin: 16px 0; }
.bad { color: var(--wb-down-text); } .good { color: var(--wb-up-text); } .warning { color: var(--wb-warning-text); }
table { border-collapse: collapse; font-size: 12px; margin: 8px 0; display: block; overflow-x: auto; }
th, td { text-align: right; padding: 4px 8px; border-bottom: 1px solid var(--wb-line); white-space: nowrap; }
th:first-child, td:first-child, .text, .text td, .text th { text-align: left; }
th { color: var(--wb-muted); font-weight: normal; }
pre { background: var(--wb-panel); border-radius: 8px; padding: 8px 12px; overflow-x: auto; }
pre, code { font: 12px/1.5 var(--wb-mono); }
img { max-width: 100%; border-radius: 8px; margin: 8px 0; } details { margin: 8px 0; }
@media print { details { display: none; } }
"""


def page(title: str, body: str) -> str:
    """A whole page. `title` is text, `body` is HTML of ours."""
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="dark light">'
        f"<title>{escape(title)}</title><style>{css_variables('html')}{CSS}</style></head>"
        f"<body><main>{body}</main></body></html>\n"
    )


def report_page(notebook: Mapping[str, Any], title: str, said: str, figures, fault: str = "") -> str:
    """The page of one run. said : when and how it went, in words; figures : (name, text); fault : '' where none."""
    boxes = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(text)}</dd></div>" for name, text in figures)
    head = f'<p class="muted">{escape(title)} · {escape(said)} · <a href="../../index.html">all runs</a></p>'
    head += f'<div class="fault" role="alert"><span class="bad">{escape(fault)}</span></div>' if fault else ""
    head += f'<dl class="figures">{boxes}</dl>' if boxes else ""
    return page(title, head + "".join(_cell(cell) for cell in notebook.get("cells", ())))


def _cell(cell: Mapping[str, Any]) -> str:
    source = _text(cell.get("source", ""))
    if cell.get("cell_type") == "markdown":
        return _markdown(source)
    if cell.get("cell_type") != "code" or not source.strip():
        return ""
    code = f"<details><summary>code</summary><pre>{escape(source)}</pre></details>"
    return "".join(_outputs(cell)) + code


def _markdown(source: str) -> str:
    from nbconvert.filters.markdown_mistune import markdown2html_mistune

    return plain_html(markdown2html_mistune(source)).replace("¶", "")


def _outputs(cell: Mapping[str, Any]) -> Iterator[str]:
    for output in cell.get("outputs", ()):
        kind = output.get("output_type")
        if kind == "stream":
            yield _pre(_text(output.get("text", "")))
        elif kind == "error":
            words = "\n".join(output.get("traceback") or [f"{output.get('ename')}: {output.get('evalue')}"])
            yield _pre(words, "bad")
        else:
            yield _shown(output.get("data", {}))


def _shown(data: Mapping[str, Any]) -> str:
    """The richest form that cannot act. A headline stands at the top already."""
    if MIME in data:
        return ""
    for mime in _PICTURES:
        if mime in data:
            words = escape(_text(data.get("text/plain", "chart"))[:200])
            return f'<img alt="{words}" src="{_data_url(mime, data[mime])}">'
    if "text/html" in data and len(_text(data["text/html"])) <= LONGEST:
        return plain_html(_text(data["text/html"]))
    if "text/markdown" in data:
        return _markdown(_text(data["text/markdown"]))
    return _pre(_text(data.get("text/plain", "")))


def _data_url(mime: str, content: Any) -> str:
    """As an image: what is inside it cannot run or fetch."""
    text = _text(content)
    packed = (
        base64.b64encode(text.encode()).decode() if mime == "image/svg+xml" else re.sub(r"[^A-Za-z0-9+/=]", "", text)
    )
    return f"data:{mime};base64,{packed}"


def _pre(text: str, tone: str = "") -> str:
    shown = _ANSI.sub("", text)[:LONGEST]
    return f'<pre class="{tone}">{escape(shown)}</pre>' if shown.strip() else ""


def _text(value: Any) -> str:
    return "".join(value) if isinstance(value, list | tuple) else str(value)
