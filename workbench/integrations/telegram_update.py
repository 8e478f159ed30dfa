"""What arrived from Telegram, read into one small value. Pure: JSON in, `Incoming` out, nothing trusted."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

LONGEST = 4096


class Form(StrEnum):
    """What kind of thing arrived."""

    WORDS = "words"
    PRESS = "press"
    EDITED = "edited"
    OTHER = "other"  # a picture, a member who left, somebody else's words passed on: nothing here can be a command


@dataclass(frozen=True, slots=True)
class Incoming:
    """One update. `person` 0: nobody can be named (a channel, an anonymous admin). `said`: the words, or the pressed
    button's data. `press`: what to answer the press with. `sent_at`: UTC, None for a press, which carries no time."""

    update_id: int
    form: Form
    chat: int = 0
    private: bool = False
    person: int = 0
    name: str = ""
    said: str = ""
    sent_at: datetime | None = None
    thread: int = 0
    message: int = 0
    press: str = ""

    def body(self) -> dict[str, Any]:
        """As JSON, for the journal."""
        return asdict(self) | {"form": self.form.value, "sent_at": self.sent_at and self.sent_at.timestamp()}

    def saying(self, words: str) -> "Incoming":
        return replace(self, said=words)


def from_body(body: Mapping[str, Any]) -> Incoming:
    """What `Incoming.body` gave."""
    sent_at = None if body["sent_at"] is None else datetime.fromtimestamp(body["sent_at"], UTC)
    return Incoming(**{**body, "form": Form(body["form"]), "sent_at": sent_at})


def read_update(raw: Mapping[str, Any]) -> Incoming:
    """An update as the Bot API sends it. What is strange becomes OTHER: it can do nothing. Raises ValueError without a
    number, for then it cannot be told from any other."""
    number = raw.get("update_id")
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < 2**52:
        raise ValueError(f"an update without a number: {str(raw)[:80]}")
    try:
        if "callback_query" in raw:
            return _press(number, raw["callback_query"])
        for key, form in (("message", Form.WORDS), ("edited_message", Form.EDITED)):
            if key in raw:
                return _words(number, raw[key], form)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, OSError):
        pass
    return Incoming(number, Form.OTHER)


def _words(number: int, message: Mapping[str, Any], form: Form) -> Incoming:
    chat, sender = message["chat"], message.get("from") or {}
    unnamed = "sender_chat" in message or sender.get("is_bot", False)
    second_hand = any(key in message for key in ("forward_origin", "forward_date", "via_bot"))
    text = message.get("text")
    return Incoming(
        number,
        form if isinstance(text, str) and not second_hand else Form.OTHER,
        _whole(chat["id"]),
        chat.get("type") == "private",
        0 if unnamed else _whole(sender.get("id", 0)),
        _text(_name(sender), 64),
        _text(text or "", LONGEST),
        datetime.fromtimestamp(int(message["date"]), UTC),
        _whole(message.get("message_thread_id") or 0) if message.get("is_topic_message") else 0,
        _whole(message["message_id"]),
    )


def _press(number: int, query: Mapping[str, Any]) -> Incoming:
    message, sender = query["message"], query["from"]
    chat = message["chat"]
    return Incoming(
        number,
        Form.PRESS,
        _whole(chat["id"]),
        chat.get("type") == "private",
        0 if sender.get("is_bot", False) else _whole(sender["id"]),
        _text(_name(sender), 64),
        _text(query.get("data") or "", 64),
        None,
        _whole(message.get("message_thread_id") or 0),
        _whole(message["message_id"]),
        _text(query["id"], 64),
    )


def _name(sender: Mapping[str, Any]) -> str:
    return " ".join(str(sender[key]) for key in ("first_name", "last_name") if sender.get(key)) or "somebody"


def _whole(value: Any) -> int:
    """A number that Telegram could have given: at most 52 bits."""
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 2**52:
        raise ValueError(f"{value!r} is no number of Telegram's")
    return value


def _text(value: Any, longest: int) -> str:
    """Text that the ledger can hold; what it cannot becomes U+FFFD, which no command contains."""
    text = str(value)[:longest]
    return "".join("\ufffd" if letter == "\0" or "\ud800" <= letter <= "\udfff" else letter for letter in text)
