"""A pattern as a setup: its examples made into something that recognises it in the newest bars. Pure."""

from collections.abc import Sequence

import numpy as np

from workbench.domain.errors import ValueRefused
from workbench.domain.patterns import Annotation, OutcomeRule
from workbench.domain.setups import Examples
from workbench.quant.pattern_model import LEAST_LABELS
from workbench.quant.setup_kinds import PatternMatch
from workbench.quant.setups import Bars
from workbench.quant.shapes import lengths_around, newest, shape, similarity

_LEAST, _MOST = 0.85, 0.97  # likeness: below, anything counts; above, nothing but the examples themselves
_MOST_EXAMPLES = 40


def examples_of(pattern: str, labels: Sequence[Annotation]) -> Examples:
    """The newest labels of a pattern as examples. They count from the likeness that half of them have with another one.

    Stop and target are those of the newest label's rule, the usual ones where it has none. Raises ValueRefused for
    fewer than three labels.
    """
    mine = [one for one in labels if one.pattern.casefold() == pattern.casefold()][-_MOST_EXAMPLES:]
    if len(mine) < LEAST_LABELS:
        known = ", ".join(sorted({one.pattern for one in labels})) or "none"
        raise ValueRefused(
            f"pattern {pattern!r} has {len(mine)} labels, {LEAST_LABELS} are needed; labelled patterns: {known}"
        )
    closes = [np.log([bar[3] for bar in one.bars]) for one in mine]
    shapes = np.array([shape(values) for values in closes])
    nearest = [similarity(values, np.delete(shapes, at, 0)).max() for at, values in enumerate(closes)]
    bars = int(np.median([len(one.bars) for one in mine]))
    rule = next((one.rule for one in reversed(mine) if one.rule), None) or OutcomeRule()
    return Examples(
        mine[-1].pattern,
        tuple(tuple(round(float(value), 5) for value in row) for row in shapes),
        lengths_around(bars, (0.7, 1.0, 1.4)),
        round(float(np.clip(np.median(nearest), _LEAST, _MOST)), 4),
        rule.stop,
        rule.target,
    )


def pattern_match(examples: Examples, side: int) -> PatternMatch:
    """The setup that waits for these examples."""
    shapes = np.array(examples.shapes, dtype=np.float32)

    def recognise(bars: Bars) -> tuple[str, float] | None:
        likeness = newest([np.log(bars.close)], shapes, examples.lengths)
        return examples.pattern, float(likeness.max())

    return PatternMatch(
        recognise, max(examples.lengths), examples.least, side, examples.stop, examples.target, examples.pattern
    )
