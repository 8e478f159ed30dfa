"""What a viewer chose is there after a restart, and nobody else's."""

import pytest

from workbench.domain.errors import LedgerError
from workbench.ledger.log import open_ledger
from workbench.ledger.page_choices import MOST_CHARS, MOST_NAMES


def test_choices_outlive_the_process_and_are_each_viewers_own(tmp_path):
    place = tmp_path / "ledger.sqlite"
    first = open_ledger(place)
    first.page_choices("ada").keep("theme", "light")
    first.page_choices("ada").keep("panels.overview", {"order": ["bots", "chart"], "closed": []})
    first.page_choices("ada").keep("theme", "dark")
    first.page_choices("ben").keep("theme", "auto")
    first.close()

    again = open_ledger(place)

    assert again.page_choices("ada").all() == {
        "theme": "dark",
        "panels.overview": {"order": ["bots", "chart"], "closed": []},
    }
    assert again.page_choices("ben").all() == {"theme": "auto"}
    assert again.page_choices("eve").all() == {}
    again.close()


def test_a_browser_cannot_fill_the_ledger(tmp_path):
    ledger = open_ledger(tmp_path / "ledger.sqlite")
    choices = ledger.page_choices("ada")

    with pytest.raises(LedgerError, match="longer than"):
        choices.keep("theme", "x" * (MOST_CHARS + 1))
    for n in range(MOST_NAMES):
        choices.keep(f"sort.{n}", n)
    with pytest.raises(LedgerError, match="choices already"):
        choices.keep("one more", 1)
    choices.keep("sort.0", "changed")

    assert choices.all()["sort.0"] == "changed"
    ledger.close()
