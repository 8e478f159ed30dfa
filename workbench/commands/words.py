"""A line of text into words: quotes, options, and what telephones do to them. Pure."""

import unicodedata
from dataclasses import dataclass

from workbench.domain.errors import CommandError

LONGEST = 2000
_QUOTES = {'"': '"', "'": "'", "“": "”", "‘": "’", "«": "»"}
_DASHES = ("—", "–", "−−")  # what keyboards make of '--'


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a line. A quoted word is a value, never an option and never the command."""

    text: str
    quoted: bool = False

    @property
    def option(self) -> str | None:
        """'name' or 'name=value' of an option, None for any other word."""
        if self.quoted:
            return None
        if self.text.startswith("--") and len(self.text) > 2:
            return self.text[2:]
        dash = next((dash for dash in _DASHES if self.text.startswith(dash)), None)
        return self.text[len(dash) :] or None if dash else None


def split(line: str) -> list[Word]:
    """The words of `line`. Raises CommandError for a quote left open, a second line, or characters nobody types."""
    if len(line) > LONGEST:
        raise CommandError(f"a command has at most {LONGEST} characters, this has {len(line)}")
    _check(line.strip())
    words, at = [], 0
    text = line.strip()
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        word, at = _quoted(text, at) if text[at] in _QUOTES else _bare(text, at)
        words.append(word)
    return words


def _check(text: str) -> None:
    """Invisible characters can make one command look like another."""
    if any(c in "\n\r\v\f\u0085\u2028\u2029" for c in text):
        raise CommandError("one command a line; send the others one by one")
    for c in text:
        if unicodedata.category(c) in ("Cc", "Cf", "Co", "Cs", "Cn") and c != "\t":
            raise CommandError(f"the character U+{ord(c):04X} cannot be part of a command; type it again")


def _quoted(text: str, at: int) -> tuple[Word, int]:
    closing = _QUOTES[text[at]]
    end = text.find(closing, at + 1)
    if end < 0:
        raise CommandError(f"the quote that opens before {text[at + 1 : at + 21]!r} is never closed")
    return Word(text[at + 1 : end], quoted=True), end + 1


def _bare(text: str, at: int) -> tuple[Word, int]:
    end = at
    while end < len(text) and not text[end].isspace():
        end += 1
    return Word(text[at:end]), end
