"""The page's real server over a desk that is played in each kernel."""

from pathlib import Path

from workbench.bench import page_server

ROOT = Path(__file__).parents[2]
PLAYED = ROOT / "tests" / "support" / "desk_page.ipynb"


class PageServer(page_server.PageServer):
    """As the benchmark's, with the played desk's notebook and from the repository's folder."""

    def __init__(self, *args: str, notebook: Path = PLAYED, env: dict | None = None):
        super().__init__(*args, notebook=notebook, cwd=ROOT, env=env)
