"""Events in a trader's words, for the page, the terminal and messages. Pure."""

from collections.abc import Mapping
from typing import Any

from workbench.domain.events import Event
from workbench.domain.outlook import FORECAST_TURNED, REGIME_CHANGED
from workbench.domain.sightings import SEEN
from workbench.ledger.trade_entries import TRADE_CLOSED, TRADE_OPENED
from workbench.orchestration.plain_text import plain

BOT_ANNOUNCED, BOT_WENT_DOWN, BOT_RECOVERED = "BotAnnounced", "BotWentDown", "BotRecovered"
BOT_STALE, BOT_NOT_READY, BOT_MOVED = "BotStale", "BotNotReady", "BotMoved"
DESK_STARTED, DESK_STOPPED = "DeskStarted", "DeskStopped"
TRADING_STATE_CHANGED = "TradingStateChanged"
LIMITS_CHANGED = "LimitsChanged"
HALTS = ("HaltBegan", "HaltReported", "HaltReopened", "HaltEnded")
CHILDREN = ("ChildDied", "ChildRestarted", "ChildNotRestarted")

# what a person wants to see go by; the rest (forecasts kept, commands taken, progress) is for programs
SHOWN = (
    *(BOT_ANNOUNCED, BOT_WENT_DOWN, BOT_RECOVERED, BOT_STALE, BOT_NOT_READY),
    *(TRADE_OPENED, TRADE_CLOSED, DESK_STARTED, DESK_STOPPED, *CHILDREN),
    *(TRADING_STATE_CHANGED, LIMITS_CHANGED, *HALTS),
    *("RunEnded", "ClockTurnedBack", "SetupChanged", SEEN, REGIME_CHANGED, FORECAST_TURNED),
    *("ModelPromoted", "TrainingEnded", "SharingChanged"),
    *("command.finished", "command.settled", "command.unknown"),
)


def sentence(event: Event) -> str:
    """What happened, on one line, without the time. Text from bots stays text: the caller must not render markup."""
    said = event.payload
    words = said.get("words")
    return plain(words if isinstance(words, str) and words else _made(event.kind, event.source, said))


def _made(kind: str, source: str, said: Mapping[str, Any]) -> str:
    if kind.startswith("command."):
        return _of_command(kind, said)
    if kind.startswith("Child"):
        return f"{said.get('child', source)} {kind.removeprefix('Child').lower()}"
    return f"{kind} {source}"


def _of_command(kind: str, said: Mapping[str, Any]) -> str:
    result = _mapping(said.get("result"))
    if kind == "command.unknown":
        return f"command {said.get('command_id', '')}: its desk stopped half-way; finding out what happened"
    name = result.get("did") or f"command {said.get('command_id', '')}"
    bots = {bot_id: _mapping(told) for bot_id, told in _mapping(result.get("bots")).items()}
    good = [bot_id for bot_id, told in bots.items() if told.get("ok")]
    bad = [f"{bot_id}: {told.get('words')}" for bot_id, told in bots.items() if not told.get("ok")]
    parts = [f"done by {', '.join(good)}" if good else "", "; ".join(bad), str(result.get("words", ""))]
    return f"{name}: " + ("; ".join(part for part in parts if part) or ("done" if said.get("ok") else "failed"))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
