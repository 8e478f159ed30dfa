"""From a typed line to a command: forgiving about how things are written, never about what is changed.

Two rules keep effects from happening by accident: a command that changes something is only ever meant by a line that
begins with its full name, slash included; and nothing is guessed: what is close is suggested, not done.
"""

import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from workbench.commands.spec import Kind, Known, Line, Parameter, Spec
from workbench.commands.values import read_value
from workbench.commands.words import Word, split
from workbench.domain.errors import CommandError

_LOOKS = {
    Kind.TIMEFRAME: re.compile(r"\d{1,4}([mhdwM]|min|mins|hours?|days?|weeks?)", re.ASCII),
    Kind.COUNT: re.compile(r"\d+", re.ASCII),
}


def parse(line: str, catalogue: Sequence[Spec], known: Known) -> Line:
    """Understand `line`. A query may be typed without its slash. Raises CommandError, and nothing else."""
    words = split(line)
    if not words:
        raise CommandError("say what you want to know, or /help")
    spec, rest = _command(words, catalogue)
    given, positional = _options(spec, rest)
    values: dict[str, Any] = {}
    notes: list[str] = []
    for parameter, text in [*_placed(spec, positional), *given]:
        value = read_value(parameter, text, known, notes)
        values[parameter.name] = (*values.get(parameter.name, ()), value) if parameter.many else value
    return Line(spec, values, tuple(notes))


def command_of(line: str, catalogue: Sequence[Spec]) -> Spec:
    """The command that `line` begins with, whatever follows it. Raises CommandError."""
    words = split(line)
    if not words:
        raise CommandError("say what you want to know, or /help")
    return _command(words, catalogue)[0]


def _command(words: Sequence[Word], catalogue: Sequence[Spec]) -> tuple[Spec, Sequence[Word]]:
    """The command whose words the line begins with, the longest first, and what follows them."""
    slash = not words[0].quoted and words[0].text.startswith("/")
    said = [_plain_case(word.text) for word in words if not word.quoted]
    said[:1] = [said[0].removeprefix("/")] if said and not words[0].quoted else []
    for spec in sorted(catalogue, key=lambda spec: -len(spec.words)):
        if tuple(said[: len(spec.words)]) != spec.words or any(word.quoted for word in words[: len(spec.words)]):
            continue
        if spec.effect and not slash:
            raise CommandError(f"{spec.name} changes something and needs its slash: {spec.usage}")
        return spec, words[len(spec.words) :]
    raise CommandError(_not_a_command(words, said, catalogue))


def _plain_case(text: str) -> str:
    """Lower case of the letters commands are made of: 'ſ' and the Kelvin sign must not pass for s and k."""
    return text.lower() if text.isascii() else text


def _not_a_command(words: Sequence[Word], said: Sequence[str], catalogue: Sequence[Spec]) -> str:
    typed = words[0].text[:40]
    families = sorted(
        {spec.words[1] for spec in catalogue if len(spec.words) > 1 and spec.words[:1] == tuple(said[:1])}
    )
    if families:
        return f"/{said[0]} needs one of: {', '.join(families)}"
    names = sorted({spec.words[0] for spec in catalogue})
    near = get_close_matches(said[0] if said else "", names, n=1)
    hint = f"did you mean /{near[0]}?" if near else "/help lists what there is"
    return f"there is no command {typed!r}; {hint}"


def _options(spec: Spec, words: Sequence[Word]) -> tuple[list[tuple[Parameter, str]], list[Word]]:
    """Options with their values, and the words that are left."""
    found: dict[str, tuple[Parameter, str]] = {}
    left: list[Word] = []
    at = 0
    while at < len(words):
        option = words[at].option
        at += 1
        if option is None:
            left.append(words[at - 1])
            continue
        name, equals, text = option.partition("=")
        parameter = _option(spec, name)
        if not equals:
            if at >= len(words) or words[at].option is not None:
                raise CommandError(f"--{parameter.name} needs a value: {parameter.help}")
            text, at = words[at].text, at + 1
        if parameter.name in found:
            raise CommandError(f"--{parameter.name} is given twice")
        found[parameter.name] = (parameter, text)
    return list(found.values()), left


def _option(spec: Spec, name: str) -> Parameter:
    options = spec.options
    if name.casefold() in options:
        return options[name.casefold()]
    near = get_close_matches(name.casefold(), options, n=1)
    takes = ", ".join(f"--{option}" for option in options)
    hint = f"did you mean --{near[0]}?" if near else f"it takes {takes}" if takes else "it takes none"
    raise CommandError(f"{spec.name} has no option --{name[:40]}; {hint}")


def _placed(spec: Spec, words: Sequence[Word]) -> list[tuple[Parameter, str]]:
    """Words by their place. Raises CommandError for one too few or too many."""
    places = _stretched(spec.places, words)
    if len(words) > len(places):
        extra = words[len(places)].text[:40]
        raise CommandError(f"{spec.name} does not take {extra!r}; it is written {spec.usage}")
    for parameter in places[len(words) :]:
        if parameter.needed:
            raise CommandError(f"{spec.name} needs {parameter.name.upper()}: {parameter.help}; as in {spec.example}")
    return [(parameter, word.text) for parameter, word in zip(places, words, strict=False)]


def _stretched(places: Sequence[Parameter], words: Sequence[Word]) -> Sequence[Parameter]:
    """The places, one that takes `many` words repeated for each of them, and those that no word looks like left out."""
    at = next((at for at, parameter in enumerate(places) if parameter.many), None)
    if at is None:
        return places
    later, least = places[at + 1 :], int(places[at].needed)
    end = next((i for i, w in enumerate(words) if i >= at + least and any(_looks(p, w) for p in later)), len(words))
    rest: list[Parameter] = []
    for word in words[end:]:
        meant = next((p for p in later if p not in rest and _looks(p, word)), None)
        rest += [meant] if meant else []
    rest += [parameter for parameter in later if parameter not in rest]
    return [*places[:at], *[places[at]] * max(least, end - at), *rest]


def _looks(parameter: Parameter, word: Word) -> bool:
    return parameter.kind in _LOOKS and not word.quoted and bool(_LOOKS[parameter.kind].fullmatch(word.text))
