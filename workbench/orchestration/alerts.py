"""Which events are told unasked, under which topic and how loud. Pure."""

from collections.abc import Mapping

from workbench.domain.events import Event
from workbench.domain.outlook import FORECAST_TURNED, REGIME_CHANGED
from workbench.domain.setups import CHANGED as SETUP_CHANGED
from workbench.domain.sightings import SEEN
from workbench.domain.telling import LONGEST_TITLE, Message, Severity
from workbench.orchestration import event_words as words
from workbench.orchestration.plain_text import plain
from workbench.orchestration.telling import TOLD, untold

TOPICS = {
    "halts": "a halt begins, reports, re-opens or ends; trading states change",
    "bots": "a bot is down, stale, or back",
    "trades": "a trade opens or closes",
    "limits": "limits tighten or ease",
    "setups": "a tracked setup is triggered, confirmed or fails, or meets its target or stop",
    "regimes": "a market's regime changes",
    "forecasts": "the bots' forecast of a market turns from up to down, or back",
    "patterns": "a pattern that somebody taught the lab has just been recognised",
    "desk": "the desk or a part of it starts, stops or dies",
    "commands": "a command's outcome is not known",
    "access": "somebody asks to be let in, or was",
    "jobs": "a scheduled run ended, failed or was missed",
    "brief": "the daily brief",
}
_INFO, _WARNING, _CRITICAL = Severity.INFO, Severity.WARNING, Severity.CRITICAL
_ALERTS: Mapping[str, tuple[str, Severity]] = {
    "HaltBegan": ("halts", _CRITICAL),
    "HaltReported": ("halts", _CRITICAL),
    "HaltReopened": ("halts", _CRITICAL),
    "HaltEnded": ("halts", _WARNING),
    words.TRADING_STATE_CHANGED: ("halts", _WARNING),
    words.BOT_WENT_DOWN: ("bots", _WARNING),
    words.BOT_STALE: ("bots", _WARNING),
    words.BOT_NOT_READY: ("bots", _INFO),
    words.BOT_RECOVERED: ("bots", _INFO),
    words.TRADE_OPENED: ("trades", _INFO),
    words.TRADE_CLOSED: ("trades", _INFO),
    words.LIMITS_CHANGED: ("limits", _INFO),
    SETUP_CHANGED: ("setups", _INFO),
    REGIME_CHANGED: ("regimes", _INFO),
    FORECAST_TURNED: ("forecasts", _INFO),
    SEEN: ("patterns", _INFO),
    words.DESK_STARTED: ("desk", _INFO),
    words.DESK_STOPPED: ("desk", _WARNING),
    **dict.fromkeys(words.CHILDREN, ("desk", _WARNING)),
    "command.unknown": ("commands", _WARNING),
    "AccessAsked": ("access", _WARNING),
    "AccessChanged": ("access", _INFO),
}
KINDS = (*_ALERTS, TOLD)
PICTURED = (SETUP_CHANGED, REGIME_CHANGED, FORECAST_TURNED, SEEN)
"""Events about a market that are told with its chart. Each names `symbol` and `timeframe`; see visual.event_picture."""


def alert_of(event: Event) -> Message | None:
    """The message that `event` is worth; None for none. A told message's picture is not read here."""
    if event.kind == TOLD:
        return untold(event)
    if event.kind not in _ALERTS:
        return None
    topic, severity = _ALERTS[event.kind]
    said = words.sentence(event)
    title = plain(said, LONGEST_TITLE)
    return Message(title or event.kind, said if len(said) > len(title) else "", severity=severity, topic=topic)
