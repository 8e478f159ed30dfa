"""Text from outside, made safe to show: one line, printable, not endless. It stays text and is never markup."""


def plain(text: object, limit: int = 300) -> str:
    """`text` on one line: control, formatting and direction characters become spaces, the rest beyond `limit` '…'."""
    shown = "".join(c if c.isprintable() else " " for c in str(text)[: 4 * limit])
    line = " ".join(shown.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
