"""Who looks at a page is who asks, draws and labels there."""

from workbench.bootstrap.connection import connect
from workbench.dashboard.viewer import ALONE, VARIABLE, current_user
from workbench.settings import Settings


async def test_a_person_who_has_logged_in_asks_by_name(monkeypatch, tmp_path):
    monkeypatch.setenv(VARIABLE, "anna")

    async with connect(Settings(home=tmp_path)) as desk:
        assert desk.dispatcher.viewer.name == current_user() == "anna"


async def test_one_person_alone_is_the_same_you_as_in_a_notebook(monkeypatch, tmp_path):
    monkeypatch.delenv(VARIABLE, raising=False)
    async with connect(Settings(home=tmp_path)) as notebook:
        monkeypatch.setenv(VARIABLE, ALONE)
        async with connect(Settings(home=tmp_path)) as page:
            assert page.dispatcher.viewer == notebook.dispatcher.viewer
            assert page.dispatcher.viewer.name == "you"
