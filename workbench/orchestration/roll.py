"""The roll of bots: who may be on it, under which name, and who is meant by a name. Over a dict of members."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

import structlog

from workbench.bots.freqtrade_bot import FreqtradeBot
from workbench.bots.http_bot import HttpBot
from workbench.domain.errors import BotError, UnknownBotError
from workbench.domain.ports import CAPABILITIES
from workbench.orchestration.discovery import Candidate
from workbench.orchestration.local_bot import LocalBot, able
from workbench.orchestration.member import Member
from workbench.orchestration.plain_text import check_bot_id, check_tag, plain

log = structlog.get_logger(__name__)
Members = dict[str, Member]


def admit(members: Members, candidate: Candidate) -> Member:
    """Put a bot on the roll. Raises BotError for a name that is taken or cannot be one, or a capability it lacks."""
    bot_id = check_bot_id(candidate.bot_id)
    if alike := [known for known in members if fold(known) == fold(bot_id)]:
        raise BotError(f"a bot named {alike[0]!r} is registered already; remove it first, or choose another name")
    tags = frozenset(map(check_tag, candidate.tags))
    made = candidate.make()
    remote = isinstance(made, HttpBot | FreqtradeBot)
    has = CAPABILITIES if remote else able(made)
    wanted = has if candidate.capabilities is None else candidate.capabilities
    if lacks := sorted(set(wanted) - set(has)):
        raise BotError(f"{bot_id} does not do {', '.join(map(plain, lacks))}; it does {', '.join(has) or 'nothing'}")
    bot = made if remote else LocalBot(bot_id, made)
    url = candidate.url or str(getattr(made, "url", "") if remote else "")
    declared = candidate.capabilities is not None
    members[bot_id] = Member(bot_id, bot, frozenset(wanted), tags, candidate.source, url, declared=declared)
    return members[bot_id]


def meet(members: Members, candidate: Candidate) -> Member | None:
    """Admit a discovered bot; None for one we know. A bot that announces itself from a new address has moved there.

    Raises BotError where two different bots claim one name: the first is kept.
    """
    known = members.get(candidate.bot_id)
    if known is None:
        return admit(members, candidate)
    same_place = known.url == candidate.url and (bool(known.url) or known.source == candidate.source)
    if same_place:
        return None
    if known.source == candidate.source == "announced":
        log.info("bot_moved", bot=known.bot_id, url=candidate.url)
        known.bot, known.url, known.about = candidate.make(), candidate.url, {}
        return None
    raise BotError(
        f"two bots are named {candidate.bot_id!r}: the one from {known.source} {known.url} is kept, the one from "
        f"{candidate.source} {candidate.url} left out; rename one"
    )


def named(members: Mapping[str, Member], bot_id: str) -> Member:
    """The bot of that name; case, '-' and '_' are forgiven where only one can be meant. Raises UnknownBotError."""
    if bot_id in members:
        return members[bot_id]
    alike = [known for known in members if fold(known) == fold(bot_id)]
    if len(alike) == 1:
        return members[alike[0]]
    raise UnknownBotError(f"no bot named {plain(bot_id, 64)!r}; {_hint(bot_id, members)}")


def tagged(members: Mapping[str, Member], target: str) -> list[str]:
    """Ids of the bots that carry '@tag'. Raises UnknownBotError where nobody does: a slip must not mean 'none'."""
    found = [member.bot_id for member in members.values() if target[1:] in member.tags]
    if not found:
        raise UnknownBotError(f"no bot carries {plain(target, 64)}; {_hint(target, tags_of(members))}")
    return found


def tags_of(members: Mapping[str, Member]) -> list[str]:
    """Every tag in use, written '@tag'."""
    return sorted({f"@{tag}" for member in members.values() for tag in member.tags})


def fold(name: str) -> str:
    """What is left of a name when case and the kind of dash do not count."""
    return name.casefold().replace("-", "_")


def _hint(name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    near = get_close_matches(fold(name), [fold(each) for each in names], n=1)
    if near:
        return f"did you mean {next(each for each in names if fold(each) == near[0])!r}?"
    return f"known: {', '.join(names[:12]) or 'none'}"
