"""Messages left in the ledger, and which events are worth telling."""

from datetime import UTC, datetime

import pytest

from workbench.domain.errors import TellingError
from workbench.domain.events import Event, NewEvent
from workbench.domain.telling import LONGEST_TITLE, Message, Severity, Teller
from workbench.ledger.log import open_ledger
from workbench.orchestration.alerts import KINDS, TOPICS, alert_of
from workbench.orchestration.telling import LedgerTeller, picture_of

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 50
NOW = datetime(2026, 7, 1, tzinfo=UTC)


@pytest.fixture
def ledger(tmp_path):
    opened = open_ledger(tmp_path / "ledger.sqlite")
    yield opened
    opened.close()


async def test_a_message_comes_back_as_it_was_left(ledger, tmp_path):
    teller = LedgerTeller(ledger, tmp_path / "pictures")
    message = Message("Brief", "all well\n<b>", PNG, Severity.WARNING, "brief", "42")

    await teller.tell(message)

    (event,) = ledger.read(kinds=KINDS)
    assert isinstance(teller, Teller)
    assert alert_of(event) == Message("Brief", "all well\n<b>", None, Severity.WARNING, "brief", "42")
    assert picture_of(event, tmp_path / "pictures") == PNG


async def test_a_picture_that_was_changed_or_is_gone_is_not_shown(ledger, tmp_path):
    await LedgerTeller(ledger, tmp_path).tell(Message("x", png=PNG))
    (event,) = ledger.read()
    (file,) = tmp_path.glob("*.png")

    file.write_bytes(PNG + b"1")
    assert picture_of(event, tmp_path) is None
    file.unlink()
    assert picture_of(event, tmp_path) is None


async def test_what_is_no_picture_is_refused(ledger, tmp_path):
    with pytest.raises(TellingError, match="a picture is a PNG"):
        await LedgerTeller(ledger, tmp_path).tell(Message("x", png=b"<svg>"))


@pytest.mark.parametrize("name", ["../../etc/passwd", "a" * 63 + "/", "", "." * 64])
def test_a_picture_is_never_a_path(tmp_path, name):
    assert picture_of(Event(1, "MessageTold", "x", {"title": "x", "picture": name}, "e", NOW), tmp_path) is None


@pytest.mark.parametrize("payload", [{}, {"title": ""}, {"title": "x", "severity": "loud"}])
def test_a_message_that_cannot_be_read_is_passed_over(payload):
    assert alert_of(Event(1, "MessageTold", "x", payload, "e", NOW)) is None


def test_alerts_have_a_known_topic_and_a_title_of_one_line():
    for kind in KINDS[:-1]:
        words = "two\nlines " + "x" * 500
        alert = alert_of(Event(1, kind, "desk", {"words": words}, "e", NOW))

        assert alert.topic in TOPICS
        assert len(alert.title) <= LONGEST_TITLE
        assert "\n" not in alert.title
    assert alert_of(Event(1, "ForecastMade", "x", {}, "e", NOW)) is None


def test_an_event_without_words_is_an_alert_too(ledger):
    ledger.append([NewEvent("DeskStarted", "desk", {}, "e", NOW)])

    assert alert_of(ledger.read()[0]).title == "DeskStarted desk"
