"""Every command, declared once: from here come the parser, the help, the completion and the page docs/commands.md."""

from workbench.commands.catalogue.charts import CHARTS
from workbench.commands.catalogue.effects import EFFECTS
from workbench.commands.catalogue.learning import LEARNING
from workbench.commands.catalogue.patterns import PATTERNS
from workbench.commands.catalogue.questions import QUESTIONS
from workbench.commands.catalogue.records import RECORDS
from workbench.commands.catalogue.risk import RISK
from workbench.commands.spec import Spec

CATALOGUE: tuple[Spec, ...] = (*QUESTIONS, *EFFECTS, *CHARTS, *PATTERNS, *LEARNING, *RISK, *RECORDS)


def find(words: tuple[str, ...]) -> tuple[Spec, ...]:
    """The commands that begin with `words`; all of them for none."""
    return tuple(spec for spec in CATALOGUE if spec.words[: len(words)] == words)
