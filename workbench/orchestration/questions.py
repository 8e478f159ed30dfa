"""Questions to many bots: nothing changes, so they go to the bots directly, from any process."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from workbench.domain.commands import CommandRecord
from workbench.domain.errors import BotError, CommandError
from workbench.domain.forecasts import Analysis, Forecast, Plan
from workbench.orchestration.bot_registry import BotRegistry
from workbench.orchestration.consensus import Consensus, combine
from workbench.orchestration.fan_out import Answer, Answered, FanOut, fan_out
from workbench.orchestration.plain_text import plain
from workbench.orchestration.weighing import Weighing

# what each question must (True) or may (False) be given
QUESTIONS: Mapping[str, Mapping[str, bool]] = {
    "status": {},
    "forecast": {"symbol": True, "timeframe": True, "horizon": False},
    "plan": {"symbol": True, "timeframe": True},
    "analyze": {"symbol": True, "timeframe": True},
    "trades": {"limit": False},
    "equity": {"since": False},
}


@dataclass(frozen=True, slots=True)
class CrossBotResult:
    """What came back, bot by bot. `consensus`: forecasts only. `record`: effects only, what the ledger says of it."""

    command: str
    answers: Mapping[str, Answer]
    consensus: Consensus | None = None
    record: CommandRecord | None = None

    @property
    def ok(self) -> bool:
        """Every bot asked has answered, and there was one to ask."""
        return bool(self.answers) and all(answer.ok for answer in self.answers.values())


@dataclass(frozen=True, slots=True)
class Asking:
    """How to ask. `weights`: trust by bot for the consensus, None: as `weigh` says of those that answered, without it
    equal. `heard` is told each answer as it comes. `by`: who wants an effect, for the record;
    '' is the machine's user."""

    deadline_s: float = 10.0
    weights: Mapping[str, float] | None = None
    heard: Callable[[Answer], None] | None = None
    progress: Callable[[float, str], None] | None = field(default=None)
    weigh: Callable[[Mapping[str, Forecast]], Awaitable[Weighing]] | None = None
    by: str = ""


def checked_args(command: str, args: Mapping[str, Any], known: Mapping[str, bool]) -> dict[str, Any]:
    """`args` without those left open. Raises CommandError for one that is missing or not known."""
    given = {name: value for name, value in args.items() if value is not None}
    if unknown := sorted(set(given) - set(known)):
        takes = ", ".join(known) or "nothing"
        raise CommandError(f"{command} takes {takes}; {plain(unknown[0], 40)!r} is not among it")
    if missing := [name for name, needed in known.items() if needed and name not in given]:
        raise CommandError(f"{command} needs {' and '.join(missing)}")
    return given


async def ask_bots(
    registry: BotRegistry, command: str, args: Mapping[str, Any], bots: Sequence[str], how: Asking
) -> CrossBotResult:
    """Ask `bots` side by side; answers come back in their order. Raises CommandError for a question nobody knows."""
    if command not in QUESTIONS:
        raise CommandError(f"{plain(command, 40)!r} is no question to bots; those are {', '.join(QUESTIONS)}")
    given = checked_args(command, args, QUESTIONS[command])
    calls = {bot_id: _call(registry, bot_id, command, given) for bot_id in bots}
    answers = await fan_out(calls, FanOut(how.deadline_s, check=_to_the_point(given), heard=how.heard))
    consensus = await _consensus(registry, answers, how) if command == "forecast" else None
    return CrossBotResult(command, answers, consensus)


def _call(registry: BotRegistry, bot_id: str, command: str, args: Mapping[str, Any]) -> Callable:
    return lambda: registry.get(bot_id).ask(command, **args)


def _to_the_point(asked: Mapping[str, Any]) -> Callable[[str, Any], Any]:
    """A check that an answer speaks of what was asked."""

    def check(bot_id: str, answer: Any) -> Any:
        if isinstance(answer, Forecast | Plan | Analysis):
            said, meant = (answer.symbol, str(answer.timeframe)), (asked["symbol"], str(asked["timeframe"]))
            if said != meant:
                raise BotError(f"{bot_id} was asked for {' '.join(meant)} and answered {plain(' '.join(said), 60)}")
        return answer

    return check


async def _consensus(registry: BotRegistry, answers: Mapping[str, Answer], how: Asking) -> Consensus:
    """Only bots whose data is fresh take part: an old fan is about another market."""
    speaking, silent = {}, {}
    for bot_id, answer in answers.items():
        health = registry.health(bot_id)
        if not isinstance(answer, Answered):
            silent[bot_id] = answer.words
        elif not health.fresh:
            silent[bot_id] = f"{health.word}: {health.reason}"
        else:
            speaking[bot_id] = answer.value
    if how.weights is not None or how.weigh is None or not speaking:
        return combine(speaking, silent, how.weights)
    return together(speaking, silent, await how.weigh(speaking))


def together(speaking: Mapping[str, Forecast], silent: Mapping[str, str], weighing: Weighing) -> Consensus:
    """The collective forecast by `weighing`, with what each weight rests on."""
    apart = weighing.share_at if weighing.by_level else None
    found = combine(speaking, silent, weighing.weights, apart)
    forecast = found.forecast
    if forecast and weighing.read_at and len(found.weights) > 1:  # one bot alone is not the collective that was scored
        from workbench.orchestration.heard import calibrated  # brings numba, which weighing has paid for by now

        forecast = calibrated(forecast, weighing.read_at)
    return replace(found, forecast=forecast, why=weighing.why, note=weighing.note)
