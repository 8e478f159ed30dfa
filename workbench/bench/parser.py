"""Fuzzed lines through the grammar: what it crashes on, and what it takes for a command that nobody gave.

lines: how many were read. crashes: of those, errors other than the one that says what is wrong with a line.
accidental_effects: lines understood as a command that changes something though they do not begin with its full name,
or as one about a bot, a tag or a market that they do not name. Whether a line does is decided here, by other means than
the grammar's own. Lines are words of commands in any order, commands with slips of the finger, with letters that look
alike or cannot be seen, sentences about commands, and noise.
"""

import time
from collections.abc import Callable
from random import Random

from workbench.commands.catalogue import CATALOGUE
from workbench.commands.grammar import parse
from workbench.commands.spec import Kind, Known, Line
from workbench.domain.errors import CommandError

LINES, QUICK_S = 1_000_000, 40.0
BATCH = 1000
KNOWN = Known(
    bots=("all-star", "breakout", "halt", "mean_reversion", "my-grid", "trend"),
    tags=("@research", "@spot"),
    symbols=("BTC/USD", "EOS/USD", "ETH/USD", "XRP/USD"),
)
EXAMPLES = [spec.example for spec in CATALOGUE]
EFFECTS = [spec.example for spec in CATALOGUE if spec.effect]
WORDS = sorted(
    {word for spec in CATALOGUE for word in (*spec.words, f"/{spec.words[0]}", *(f"--{o}" for o in spec.options))}
    | {*KNOWN.bots, *KNOWN.tags, "btc", "BTCUSD", "btc-usd", "1h", "30m", "4 h", "all", "ALL", "all,trend", "20k", "0"}
    | {"please", "do", "not", "and", "/", "//", "--", "—id", "–reason", '"', "'", "“", "”", "=", ",", "@", "\t", "\n"}
)
TWINS = {"a": "аɑａ", "e": "еｅ", "h": "һｈ", "l": "ӏІｌ", "t": "тｔ", "s": "ѕſｓ", "p": "рｐ", "/": "⁄∕／", "k": "K"}
UNSEEN = "\u200b\u200d\u2060\ufeff\u00ad\u202e\u2066\x00\x1b\u0085\u2028"
ALPHABET = "abcdefhiklmnoprstuz/@-_,.\"' =0123456789é߀😀" + UNSEEN


def figures(quick: bool) -> dict[str, float]:
    """What was promised."""
    rng, read, crashes, accidents = Random(7), 0, 0, 0
    began = time.perf_counter()
    while read < LINES and not (quick and time.perf_counter() - began > QUICK_S):
        for _ in range(BATCH):
            line = fuzzed(rng)
            crashed, accident = tried(line)
            crashes, accidents, read = crashes + crashed, accidents + accident, read + 1
    return {
        "lines": float(read),
        "crashes": float(crashes),
        "accidental_effects": float(accidents),
        "us_per_line": round((time.perf_counter() - began) / read * 1e6, 1),
    }


def tried(line: str) -> tuple[bool, bool]:
    """Whether the grammar crashed on `line`, and whether it saw an effect there that nobody asked for."""
    try:
        understood = parse(line, CATALOGUE, KNOWN)
    except CommandError:
        return False, False
    except Exception:  # counting these is what this is for
        return True, False
    return False, understood.spec.effect and not asked_for(line, understood)


def asked_for(line: str, understood: Line) -> bool:
    """Whether `line` spells the command out from its first letter on, and everything that it is about."""
    said = line.split()
    name = [f"/{understood.spec.words[0]}", *understood.spec.words[1:]]
    spelled = [word.lower() if word.isascii() else word for word in said[: len(name)]]
    return spelled == name and all(_bare(each) in _bare(line) for each in _about(understood))


def _about(understood: Line) -> list[str]:
    """Names of bots, tags and coins that it would act on."""
    found = list[str]()
    for parameter in understood.spec.parameters:
        value = understood.values.get(parameter.name)
        if value is not None and parameter.kind in (Kind.BOT, Kind.TARGET):
            found += [value] if isinstance(value, str) else list(value)
        elif value is not None and parameter.kind is Kind.SYMBOL:
            found += [str(value).partition("/")[0]]
    return found


def _bare(text: str) -> str:
    """Without case and marks: where the mark stands in BTC/USD is forgiven, a letter is not."""
    return "".join(letter for letter in text.casefold() if letter not in "-_/")


def fuzzed(rng: Random) -> str:
    """One line of any kind."""
    return rng.choice(KINDS)(rng)


def _soup(rng: Random) -> str:
    return rng.choice(("", "/", " ")) + " ".join(rng.choices(WORDS, k=rng.randint(0, 7)))


def _slips(rng: Random) -> str:
    """A command with up to three letters lost, doubled, swapped or changed."""
    letters = list(rng.choice(EFFECTS if rng.random() < 0.7 else EXAMPLES))
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(letters))
        way = rng.randrange(4)
        if way == 0 and len(letters) > 1:
            del letters[at]
        elif way == 1:
            letters.insert(at, rng.choice(ALPHABET))
        elif way == 2:
            letters[at], letters[at - 1] = letters[at - 1], letters[at]
        else:
            letters[at] = rng.choice(ALPHABET)
    return "".join(letters)


def _twins(rng: Random) -> str:
    """A command with letters that look alike, and some that cannot be seen."""
    shown = (rng.choice(TWINS[c]) if c in TWINS and rng.random() < 0.2 else c for c in rng.choice(EFFECTS))
    return "".join(c + (rng.choice(UNSEEN) if rng.random() < 0.03 else "") for c in shown)


def _sentence(rng: Random) -> str:
    before, after = (rng.choice(("", "please", "never", ">", "“", "x/", "-", "bot said:", "1.")) for _ in range(2))
    return f"{before} {rng.choice(EFFECTS)} {after}".removeprefix(rng.choice(("", " ")))


def _noise(rng: Random) -> str:
    if rng.random() < 0.5:
        return "".join(rng.choices(ALPHABET, k=rng.randint(0, 40)))
    return "".join(chr(rng.randrange(0x11000)) for _ in range(rng.randint(0, 30)))


KINDS: tuple[Callable[[Random], str], ...] = (_soup, _slips, _twins, _sentence, _noise)
