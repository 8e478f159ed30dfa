"""An IPython extension for the kernels of scheduled runs: Altair charts come out as SVG.

Altair's own output loads JavaScript from a server; a report shows what it showed wherever and whenever it is opened.
Nothing is imported before the first chart.
"""

import sys
from typing import Any


def load_ipython_extension(shell: Any) -> None:
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # three seconds that Altair can do without
    formatter = shell.display_formatter.mimebundle_formatter
    for module in ("altair.vegalite.v6.api", "altair.vegalite.v5.api"):
        formatter.for_type_by_name(module, "TopLevelMixin", _picture)


def _picture(chart: Any, include: Any = None, exclude: Any = None) -> dict[str, str]:
    from workbench.visual.picture import svg

    return {"image/svg+xml": svg(chart), "text/plain": f"<{type(chart).__name__}>"}
