"""What could come next in a line being typed. Pure."""

from workbench.commands.catalogue import CATALOGUE
from workbench.commands.spec import Kind, Known, Parameter, Spec

TIMEFRAMES = ("1m", "5m", "15m", "30m", "1h", "4h", "1d", "1w")
Offer = tuple[str, str]


def complete(text: str, known: Known) -> list[Offer]:
    """(word, what it is) for each word that may stand where `text` ends; the last word may be half typed."""
    words = text.split()
    typed = "" if not words or text[-1:].isspace() else words.pop()
    return [offer for offer in _offers(words, known) if offer[0].casefold().startswith(typed.casefold())]


def _offers(words: list[str], known: Known) -> list[Offer]:
    said = [word.casefold().removeprefix("/") if at == 0 else word.casefold() for at, word in enumerate(words)]
    for spec in sorted(CATALOGUE, key=lambda spec: -len(spec.words)):
        if tuple(said[: len(spec.words)]) == spec.words:
            return _arguments(spec, words[len(spec.words) :], known)
    longer = [spec for spec in CATALOGUE if len(spec.words) > len(said) and spec.words[: len(said)] == tuple(said)]
    slash = "" if said else "/"
    return list(dict.fromkeys((slash + spec.words[len(said)], _about(spec, len(said))) for spec in longer))


def _about(spec: Spec, depth: int) -> str:
    return spec.help if len(spec.words) == depth + 1 else "several bots at once"


def _arguments(spec: Spec, given: list[str], known: Known) -> list[Offer]:
    if given and given[-1].startswith("--") and "=" not in given[-1]:
        return []
    placed = [word for at, word in enumerate(given) if not word.startswith("--") and not _is_value(given, at)]
    free = spec.places[len(placed) :]
    offers = _values(free[0], known) if free else []
    return offers + [(f"--{name}", option.help) for name, option in spec.options.items() if f"--{name}" not in given]


def _is_value(given: list[str], at: int) -> bool:
    return at > 0 and given[at - 1].startswith("--") and "=" not in given[at - 1]


def _values(parameter: Parameter, known: Known) -> list[Offer]:
    if parameter.kind is Kind.SYMBOL:
        return [(symbol.replace("/", ""), "market") for symbol in known.symbols]
    if parameter.kind is Kind.TIMEFRAME:
        return [(text, "bar length") for text in TIMEFRAMES]
    if parameter.kind is Kind.BOT:
        return [(bot, "bot") for bot in known.bots]
    if parameter.kind is Kind.TARGET:
        return [("all", "every bot"), *((tag, "tag") for tag in known.tags), *((bot, "bot") for bot in known.bots)]
    if parameter.kind is Kind.WORD and parameter.name == "command":
        return [(word, "") for word in dict.fromkeys(spec.words[0] for spec in CATALOGUE)]
    return [(choice, "") for choice in parameter.choices]
