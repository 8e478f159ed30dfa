"""What the page's server may be told."""

from dataclasses import dataclass
from pathlib import Path

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "dashboard.ipynb"


@dataclass(frozen=True, slots=True)
class PageOptions:
    """port : 0 takes any free one. viewers : at most so many kernels at once: each is a process with its memory.

    heated : kernels started in advance, imports done, so that a page opens in a second or two. cull_s : a kernel whose
    page has gone without a word is ended after about so long. token : asked for before anything is shown; "": none.
    """

    port: int = 8866
    notebook: Path = NOTEBOOK
    viewers: int = 10
    heated: int = 1
    refill_s: float = 0.5
    cull_s: int = 120
    token: str = ""
    log_level: int = 30
