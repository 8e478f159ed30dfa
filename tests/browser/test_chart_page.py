"""A chart as a page of its own: drawn in a browser, with nothing from outside, and words that stay words."""

from dataclasses import replace

from tests.browser.conftest import Watched
from workbench.visual.advanced_renderer import AdvancedRenderer
from workbench.visual.show_piece import show_piece


def test_the_page_draws_itself_and_asks_nobody(browser, tmp_path):
    piece = show_piece(120)
    hostile = replace(piece.panels[0].drawings[0], text="</script><script>window.hit=1</script>")
    spec = replace(piece, panels=(replace(piece.panels[0], drawings=(hostile,)),), title="<b>one</b>")
    path = tmp_path / "chart.html"
    path.write_text(AdvancedRenderer(spec).html())
    context = browser.new_context()
    watched = Watched(context)

    watched.page.goto(path.as_uri())
    watched.page.wait_for_selector("#chart canvas", timeout=30_000)

    assert watched.page.title() == "<b>one</b>"
    assert watched.page.evaluate("window.hit") is None
    assert [address for address in watched.outside if not address.startswith("file:")] == []
    assert watched.errors == []
    context.close()
