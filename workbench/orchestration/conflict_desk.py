"""What the bots' plans come to together, by the policy of the settings; every conflict is kept with who said what."""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from workbench.domain.events import NewEvent
from workbench.domain.forecasts import Plan
from workbench.domain.market import Timeframe
from workbench.ledger.log import SqlLedger
from workbench.orchestration.command_center import UnifiedCommandCenter
from workbench.orchestration.fan_out import Answer, Answered
from workbench.orchestration.plain_text import plain
from workbench.orchestration.sync_topics import SIGNAL_DECIDED
from workbench.quant.conflicts import SIDES, WORDS, Decided, Opinion, Rules, decide

DAY_S = 86_400
REMEMBERED = 500  # newest decisions among which a market's last is looked for


@dataclass(frozen=True, slots=True)
class Settled:
    """decided : what the bots say together. opinions : who said what, with what weight. left_out : bot → why it did not
    count. before : the side decided last in this run, None for none."""

    decided: Decided
    opinions: tuple[Opinion, ...]
    left_out: Mapping[str, str]
    before: int | None
    policy: str


async def settle_plans(
    center: UnifiedCommandCenter,
    symbol: str,
    timeframe: str,
    answers: Mapping[str, Answer],
    weights: Mapping[str, float] | None = None,
) -> Settled:
    """Decide on `answers` to the question 'plan', and write it down where they conflict or the decision changes.

    weights : trust by bot; a bot that is missing has none. None: as the accuracy database trusts their forecasts a day
    ahead, all alike where it knows nothing. Stale bots are left out.
    Raises LedgerError.
    """
    ahead = max(1, DAY_S // Timeframe.parse(timeframe).seconds)
    known = weights or (await center.intelligence.trust(symbol, timeframe, ahead, tuple(answers))).weights
    opinions, left_out = _opinions(center, answers, known)
    chosen = center.settings.conflicts
    rules = Rules(chosen.policy, chosen.enter, frozenset(chosen.vetoers))
    market = center.registry.market
    key = (market.run_id if market else "", symbol, timeframe)
    before = await asyncio.to_thread(_before, center.ledger, key)
    decided = decide(opinions, rules, before)
    found = Settled(decided, opinions, left_out, before, rules.policy)
    if opinions and (decided.conflict or decided.changed):
        await asyncio.to_thread(center.ledger.append, [_event(key, found)])
    return found


def _opinions(
    center: UnifiedCommandCenter, answers: Mapping[str, Answer], weights: Mapping[str, float] | None
) -> tuple[tuple[Opinion, ...], dict[str, str]]:
    said, left_out = [], {}
    for bot, answer in answers.items():
        health = center.registry.health(bot)
        plan: Plan | None = answer.value if isinstance(answer, Answered) else None
        if plan is None:
            left_out[bot] = answer.words
        elif not health.fresh:
            left_out[bot] = f"{health.word}: {health.reason}"
        elif plan.side not in SIDES:
            left_out[bot] = f"its side is {plain(plan.side, 40)!r}, which is none of {', '.join(SIDES)}"
        else:
            weight = 1.0 if weights is None else float(weights.get(bot, 0.0))
            said.append(Opinion(bot, SIDES[plan.side], plan.seen_at.timestamp(), weight))
    return tuple(said), left_out


def _before(ledger: SqlLedger, key: tuple[str, str, str]) -> int | None:
    for event in reversed(ledger.last(REMEMBERED, [SIGNAL_DECIDED])):
        said = event.payload
        if (said["run_id"], said["symbol"], said["timeframe"]) == key:
            return SIDES[said["decided"]]
    return None


def _event(key: tuple[str, str, str], found: Settled) -> NewEvent:
    """The same opinions on the same bars with the same decision are one conflict, however often somebody asks."""
    run_id, symbol, timeframe = key
    decided, before = found.decided, WORDS[found.before] if found.before is not None else ""
    said: list[dict[str, Any]] = [
        {
            "bot_id": each.bot_id,
            "side": WORDS[each.side],
            "weight": each.weight if 0 <= each.weight < float("inf") else 0.0,
            "seen_at": datetime.fromtimestamp(each.seen_s, UTC).isoformat(),
        }
        for each in found.opinions
    ]
    facts = {
        "run_id": run_id,
        "symbol": symbol,
        "timeframe": timeframe,
        "policy": found.policy,
        "said": said,
        "left_out": {bot: plain(why, 200) for bot, why in found.left_out.items()},
        "shares": {WORDS[side]: share for side, share in decided.shares.items()},
        "before": before,
        "decided": WORDS[decided.side],
        "conflict": decided.conflict,
        "reason": decided.reason,
        "words": f"{symbol} {timeframe}: {sentence(found)}",
    }
    about = (key, found.policy, decided.side, sorted(map(repr, found.opinions)))
    digest = hashlib.sha256(repr(about).encode()).hexdigest()
    return NewEvent(SIGNAL_DECIDED, "desk", facts, f"signal:{digest[:32]}", datetime.now(UTC))


def sentence(found: Settled) -> str:
    """'long by trust: long has 75% of the trust; flat says breakout'."""
    decided = found.decided
    against = [f"{o.bot_id} says {WORDS[o.side]}" for o in found.opinions if o.side != decided.side]
    return "; ".join([f"{WORDS[decided.side]} by {found.policy}: {decided.reason}", *against])
