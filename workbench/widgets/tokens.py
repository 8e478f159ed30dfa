"""The design tokens live in `workbench.visual.tokens`, where charts can read them too; here they are for widgets."""

from workbench.visual.tokens import *  # noqa: F403
