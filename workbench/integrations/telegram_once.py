"""What may still be done about an update, and what may be done again after a crash. Pure."""

from datetime import datetime

from workbench.commands.spec import Spec
from workbench.integrations.telegram_gate import Gate, Turned, Verdict
from workbench.integrations.telegram_update import Incoming

REPEATABLE = ("halt", "release", "alerts", "people")
"""Commands without an id of their own that may be repeated: they join, use a code up, or set what is set."""


def judged(gate: Gate, came: Incoming, now: datetime, recorded: bool) -> Verdict:
    """The gate's verdict, but a command that is `recorded` already is not refused for its age: asked again under its
    id it does nothing new, and tells how it ended."""
    verdict = gate.admit(came, now)
    if recorded and isinstance(verdict, Turned) and verdict.why == "old" and came.sent_at:
        return gate.admit(came, came.sent_at)
    return verdict


def may_repeat(spec: Spec | None) -> bool:
    """Whether a line may be carried out again that had begun before a crash: a question, what has an id under which it
    acts once, or what is what it is the second time too. Anything else may have happened: a person has to look."""
    return spec is None or not spec.effect or "id" in spec.options or spec.words[0] in REPEATABLE
