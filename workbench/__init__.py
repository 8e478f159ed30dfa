"""One desk for a trader who runs several bots."""

from typing import Any

__version__ = "0.1.0"


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext workbench`: then `%wb /bots` asks the desk from a cell."""
    from workbench.bootstrap.notebook import load  # whoever only imports the package need not pay for it

    load(shell)


def unload_ipython_extension(shell: Any) -> None:
    from workbench.bootstrap.notebook import unload

    unload(shell)
