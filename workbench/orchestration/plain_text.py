"""Names and faults from outside in words that are safe to show; see `domain/plain_text.py`."""

import re

from workbench.domain.errors import BotError
from workbench.domain.plain_text import plain

_RESERVED = {"all", "total", "desk", "consensus"}
_NAME = re.compile(r"[\w][\w.-]{0,63}")


def reason(error: BaseException) -> str:
    """An exception in words: its message, headed by its type where that is not one of ours."""
    words = plain(error)
    return words if isinstance(error, BotError) and words else f"{type(error).__name__}: {words}".rstrip(": ")


def check_bot_id(bot_id: object) -> str:
    """`bot_id` itself, if it may name a bot: letters, digits, '_', '.', '-', at most 64, and not a word of ours.

    Raises BotError.
    """
    if not isinstance(bot_id, str) or not is_name(bot_id):
        raise BotError(
            f"{plain(repr(bot_id), 80)} cannot name a bot; use up to 64 letters, digits, '_', '.' or '-', "
            "beginning with a letter, digit or '_'"
        )
    if bot_id.lower() in _RESERVED:
        raise BotError(f"{bot_id!r} has a meaning of its own in commands; choose another bot id")
    return bot_id


def is_name(text: object) -> bool:
    """May `text` be a bot id or a tag?"""
    return isinstance(text, str) and bool(_NAME.fullmatch(text))


def check_tag(tag: object) -> str:
    """A tag follows the rules of a bot id. Raises BotError."""
    if not is_name(tag):
        raise BotError(f"{plain(repr(tag), 80)} cannot be a tag; use up to 64 letters, digits, '_', '.' or '-'")
    return str(tag)
