"""Bots disagree: what the desk takes them to say together, by a named policy, without flapping.

A bot says long (1), flat (0) or short (−1). What was decided before is an argument, so that the same opinions in the
same history always give the same decision; the order in which bots are named never matters.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from workbench.domain.errors import ValueRefused

POLICIES = ("trust", "freshest", "unanimous", "veto")
SIDES = {"long": 1, "flat": 0, "short": -1}
WORDS = {side: word for word, side in SIDES.items()}
ENTER = 0.6
KEEP = 0.5


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one bot says. seen_s : close of the newest bar it used, epoch seconds. weight : trust, 0 or more; a weight
    that is no finite number counts as 0."""

    bot_id: str
    side: int
    seen_s: float
    weight: float = 1.0

    def __post_init__(self) -> None:
        if self.side not in WORDS or not math.isfinite(self.seen_s):
            raise ValueRefused(
                f"{self.bot_id}: a side is -1, 0 or 1 and its time finite, got {self.side}, {self.seen_s}"
            )


@dataclass(frozen=True, slots=True)
class Rules:
    """policy : one of POLICIES. enter : share of the trust that another side needs to take over (more than half).
    vetoers : who may veto; empty: everybody."""

    policy: str = "trust"
    enter: float = ENTER
    vetoers: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if self.policy not in POLICIES:
            raise ValueRefused(f"no policy {self.policy!r}; policies are {', '.join(POLICIES)}")
        if not KEEP < self.enter <= 1:
            raise ValueRefused(f"enter must lie above {KEEP} and at most 1, got {self.enter}")


@dataclass(frozen=True, slots=True)
class Decided:
    """side : what the bots say together. shares : trust behind each side that somebody took, summing to 1. conflict :
    they did not all say the same. changed : other than before. reason : in words."""

    side: int
    shares: Mapping[int, float] = field(default_factory=dict)
    conflict: bool = False
    changed: bool = False
    reason: str = ""


def decide(opinions: Sequence[Opinion], rules: Rules = Rules(), before: int | None = None) -> Decided:
    """What `opinions` come to. before : what was decided last, None: nothing yet, which is being flat.

    trust: another side than before needs `enter` of the trust; no bot with less than half of it turns the decision
    alone. Where nothing has a majority any more, the answer is flat.
    freshest: whoever saw the newest bar; several at once: by trust among them.
    unanimous: a side is taken when all say it, and left for flat when more than half of the trust is against it.
    veto: as trust, but nothing is held against which a vetoer speaks; a vetoer who says flat only prevents entering.
    Bots without trust decide nothing under any policy; their words are a conflict all the same.
    Raises ValueRefused where a bot speaks twice.
    """
    bots = [opinion.bot_id for opinion in opinions]
    if len(set(bots)) < len(bots):
        raise ValueRefused(f"a bot speaks twice: {', '.join(sorted({b for b in bots if bots.count(b) > 1}))}")
    held = before or 0
    spoken = sorted(opinions, key=lambda opinion: opinion.bot_id)
    shares = _shares(spoken)
    if not shares:
        return Decided(0, {}, False, held != 0, "nobody speaks whom anybody trusts")
    trusted = [opinion for opinion in spoken if 0 < opinion.weight < math.inf]
    side, reason = _BY_POLICY[rules.policy](trusted, shares, held, rules)
    conflict = len({opinion.side for opinion in spoken}) > 1
    return Decided(side, shares, conflict, side != held, reason)


def _shares(spoken: Sequence[Opinion]) -> dict[int, float]:
    """Trust behind each side. Summed exactly, so that the order of names changes no bit."""
    weights = {o.bot_id: o.weight if math.isfinite(o.weight) and o.weight > 0 else 0.0 for o in spoken}
    largest = max(weights.values(), default=0.0)
    if not largest > 0:
        return {}
    total = math.fsum(weight / largest for weight in weights.values())
    sides = sorted({o.side for o in spoken})
    return {s: math.fsum(weights[o.bot_id] / largest for o in spoken if o.side == s) / total for s in sides}


def _trust(spoken: Sequence[Opinion], shares: Mapping[int, float], held: int, rules: Rules) -> tuple[int, str]:
    best = max(shares, key=lambda side: (shares[side], side == held, -abs(side)))
    if len(shares) == 1:
        return best, f"all say {WORDS[best]}"
    if best == held:
        return held, f"{WORDS[held]} has {shares[held]:.0%} of the trust"
    if shares[best] >= rules.enter:
        return best, f"{WORDS[best]} has {shares[best]:.0%} of the trust, {rules.enter:.0%} take over"
    kept = shares.get(held, 0.0)
    if held == 0 or kept >= 1 - rules.enter:
        return held, f"{WORDS[best]} has {shares[best]:.0%} of the trust, {rules.enter:.0%} would take over"
    return 0, f"no side has a majority: {WORDS[held]} is down to {kept:.0%}"


def _freshest(spoken: Sequence[Opinion], shares: Mapping[int, float], held: int, rules: Rules) -> tuple[int, str]:
    newest = max(opinion.seen_s for opinion in spoken)
    fresh = [opinion for opinion in spoken if opinion.seen_s == newest]
    side, reason = _trust(fresh, _shares(fresh), held, rules)
    return side, f"of {len(fresh)} that saw the newest bar: {reason}"


def _unanimous(spoken: Sequence[Opinion], shares: Mapping[int, float], held: int, rules: Rules) -> tuple[int, str]:
    sides = {opinion.side for opinion in spoken}
    if len(sides) == 1:
        side = sides.pop()
        return side, f"all say {WORDS[side]}"
    if held and shares.get(held, 0.0) < KEEP:
        return 0, f"{1 - shares.get(held, 0.0):.0%} of the trust is against {WORDS[held]}"
    return held, f"not all say the same, {WORDS[held]} stays"


def _veto(spoken: Sequence[Opinion], shares: Mapping[int, float], held: int, rules: Rules) -> tuple[int, str]:
    side, reason = _trust(spoken, shares, held, rules)
    may = [o for o in spoken if (not rules.vetoers or o.bot_id in rules.vetoers) and o.side != side]
    against = [o.bot_id for o in may if side and (o.side == -side or side != held)]
    return (0, f"{', '.join(against)} vetoed {WORDS[side]}") if against else (side, reason)


_BY_POLICY = {"trust": _trust, "freshest": _freshest, "unanimous": _unanimous, "veto": _veto}
