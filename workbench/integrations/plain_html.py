"""HTML from a notebook, reduced to what cannot act: tables, lists and emphasis, without attributes. Text is text."""

import re
from html import escape, unescape
from html.parser import HTMLParser

_KEPT = {
    *("table", "thead", "tbody", "tfoot", "tr", "th", "td", "caption", "p", "div", "span", "br", "hr", "pre", "code"),
    *("b", "strong", "i", "em", "ul", "ol", "li", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "sub", "sup"),
}
_EMPTY = {"br", "hr"}
_DROPPED = {"script", "style", "template", "noscript", "iframe", "object", "title", "svg", "math"}
_SPANS = ("colspan", "rowspan")
_NUMBER = re.compile(r"[+\u2212-]?[\d,.]+(?:e[+-]?\d+)?(?: ?%| [A-Z]{2,6}| [a-z]{1,3})?|\u2013|NaN|", re.ASCII)


def plain_html(markup: str) -> str:
    """`markup` with only harmless elements left; the words of the others stay, but for those that are no words."""
    reader = _Reader()
    reader.feed(markup)
    reader.close()
    made = "".join(reader.out) + "".join(f"</{tag}>" for tag in reversed(reader.open))
    return re.sub(r"<table>.*?</table>", lambda found: _aligned(found[0]), made, flags=re.DOTALL)


def _aligned(table: str) -> str:
    """Columns of numbers to the right, the others to the left. Tables with joined cells stay as they are."""
    if "span=" in table:
        return table
    rows = [
        re.findall(r"<(t[hd])>(.*?)</t[hd]>", row, re.DOTALL) for row in re.findall(r"<tr>.*?</tr>", table, re.DOTALL)
    ]
    body = [row for row in rows if any(tag == "td" for tag, _ in row)]
    width = max((len(row) for row in body), default=0)
    words = {at for at in range(width) if any(at < len(row) and not _is_number(row[at][1]) for row in body)}
    return re.sub(r"<tr>.*?</tr>", lambda row: _row(row[0], words), table, flags=re.DOTALL)


def _row(row: str, words: set[int]) -> str:
    count = iter(range(10_000))
    return re.sub(r"<(t[hd])>", lambda cell: f'<{cell[1]} class="text">' if next(count) in words else cell[0], row)


def _is_number(cell: str) -> bool:
    return bool(_NUMBER.fullmatch(unescape(re.sub(r"<[^>]*>", "", cell)).strip()))


class _Reader(HTMLParser):
    """Writes anew what it understands, so that nothing passes that it does not."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self.open: list[str] = []
        self._dropping = ""
        self._depth = 0

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if self._dropping:
            self._depth += tag == self._dropping
        elif tag in _DROPPED:
            self._dropping, self._depth = tag, 1
        elif tag in _KEPT:
            spans = "".join(f' {n}="{int(v)}"' for n, v in attributes if n in _SPANS and v and v.isdecimal())
            self.out.append(f"<{tag}{spans}>")
            if tag not in _EMPTY:
                self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if not self._dropping and tag in _EMPTY:
            self.out.append(f"<{tag}>")

    def handle_endtag(self, tag: str) -> None:
        if self._dropping:
            self._depth -= tag == self._dropping
            self._dropping = self._dropping if self._depth else ""
        elif tag in self.open:
            while self.open[-1] != tag:
                self.out.append(f"</{self.open.pop()}>")
            self.out.append(f"</{self.open.pop()}>")

    def handle_data(self, data: str) -> None:
        if not self._dropping:
            self.out.append(escape(data))
