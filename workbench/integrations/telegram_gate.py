"""The one gate in front of the dispatch: who may be heard at all, and as whom. Pure.

Everything that arrives passes here, words and presses alike, before it is journalled and again before it acts. Nothing
is let through by default: an empty list of admins means nobody. Roles are then asked by the dispatcher, once for all.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from workbench.commands.spec import Role
from workbench.integrations.telegram_buttons import Signer
from workbench.integrations.telegram_update import Form, Incoming
from workbench.ledger.telegram_people import Standing

REGISTER = ("/start", "/register")
ALWAYS = "/halt"
"""The emergency stop is never too old."""
ROLES = {Standing.VIEWER: Role.VIEWER, Standing.OPERATOR: Role.OPERATOR, Standing.ADMIN: Role.ADMIN}


@dataclass(frozen=True, slots=True)
class Heard:
    """May be dispatched as `role`: a line for the grammar, or a button of ours as (module, action, params)."""

    role: Role
    line: str = ""
    button: tuple[str, str, str] | None = None


@dataclass(frozen=True, slots=True)
class AsksAccess:
    """Somebody asks to be let in. The only thing that a stranger can do."""


@dataclass(frozen=True, slots=True)
class Turned:
    """Not heard. `why` is for the log; `say` for the chat, '' for silence."""

    why: str
    say: str = ""


Verdict = Heard | AsksAccess | Turned


@dataclass(frozen=True, slots=True)
class Gate:
    """What the gate knows. `admins` and `chats` (groups) come from the settings, `people` from the ledger."""

    username: str
    signer: Signer
    admins: frozenset[int] = frozenset()
    chats: frozenset[int] = frozenset()
    people: Mapping[int, Standing] = field(default_factory=dict)
    longest_age: timedelta = timedelta(seconds=60)

    def admit(self, came: Incoming, now: datetime) -> Verdict:
        """The verdict on what arrived at `now` (UTC)."""
        if came.form is Form.EDITED:
            return Turned("edited", "")
        if came.form is Form.OTHER or not came.said.strip():
            return Turned("not a command")
        if came.person <= 0:
            return Turned("nobody", "")
        if not (came.chat == came.person if came.private else came.chat in self.chats):
            return Turned("wrong chat")
        role = self.role(came.person)
        if came.form is Form.PRESS:
            return self._press(came, role)
        line = self._line(came)
        if line is None:
            return Turned("not for this bot")
        if role is None:
            return self._stranger(came, line)
        return self._aged(came, line, role, now)

    def role(self, person: int) -> Role | None:
        """What `person` may do; None for nobody."""
        if person in self.admins:
            return Role.ADMIN
        return ROLES.get(self.people.get(person, Standing.REFUSED))

    def _press(self, came: Incoming, role: Role | None) -> Verdict:
        if role is None:
            return Turned("stranger", "This is not for you.")
        button = self.signer.read(came.said, came.chat)
        if button is None:
            return Turned("forged", "This button is not from this desk.")
        return Heard(role, button=button)

    def _stranger(self, came: Incoming, line: str) -> Verdict:
        """Silence, but for one who asks in private."""
        standing = self.people.get(came.person)
        if not came.private:
            return Turned("stranger")
        if standing is Standing.PENDING:
            return Turned("pending", "You asked for access. An admin has to approve it first.")
        if standing is Standing.REFUSED:
            return Turned("refused")
        return AsksAccess() if line.split()[0].casefold() in REGISTER else Turned("stranger", "Send /start to ask.")

    def _aged(self, came: Incoming, line: str, role: Role, now: datetime) -> Verdict:
        age = now - came.sent_at if came.sent_at else timedelta(0)
        if age > self.longest_age and not is_halt(line):
            seconds = f"{age.total_seconds():,.0f}"
            return Turned(
                "old", f"That was sent {seconds} s ago, so it was not done. Send it again if you still mean it."
            )
        return Heard(role, line=line)

    def _line(self, came: Incoming) -> str | None:
        """The command line, without the bot's name; None where it is for somebody else. In a group only lines with a
        slash are meant for a bot."""
        said = came.said.strip()
        first, space, rest = said.partition(" ")
        command, at, whom = first.partition("@")
        if first.startswith("/") and at and whom:
            if whom.casefold() != self.username.casefold():
                return None
            return f"{command}{space}{rest}"
        return said if came.private or said.startswith("/") else None


def is_halt(line: str) -> bool:
    return line.split()[:1] != [] and line.split()[0].casefold() == ALWAYS
