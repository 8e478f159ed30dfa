"""What the page's server may be told."""

from dataclasses import dataclass, field
from pathlib import Path

from workbench.dashboard.page_login import PageLogin

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "dashboard.ipynb"
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class PageOptions:
    """port : 0 takes any free one. host : the address to listen on, beside this machine's own. names : host names under
    which it may be asked for. login : what opens it.

    viewers : at most so many kernels at once: each is a process with its memory. heated : kernels started in advance,
    imports done, so that a page opens in a second or two. cull_s : a kernel whose page has gone without a word is ended
    after about so long.
    """

    port: int = 8866
    host: str = LOOPBACK
    names: tuple[str, ...] = ()
    login: PageLogin = field(default_factory=PageLogin)
    notebook: Path = NOTEBOOK
    viewers: int = 10
    heated: int = 1
    refill_s: float = 0.5
    cull_s: int = 120
    log_level: int = 30
