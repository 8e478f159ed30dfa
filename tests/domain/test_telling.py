"""Messages to people: values that are refused when they could not be told."""

import pytest

from workbench.domain.errors import TellingError
from workbench.domain.telling import Message, Severity, Teller


@pytest.mark.parametrize("wrong", [{"title": " "}, {"title": "x" * 201}, {"title": "Ran", "topic": ""}])
def test_a_message_that_could_not_be_told_is_refused(wrong):
    with pytest.raises(TellingError):
        Message(**wrong)


def test_severities_are_ordered_by_loudness():
    assert Severity.INFO.rank < Severity.WARNING.rank < Severity.CRITICAL.rank


def test_anything_that_tells_is_a_teller():
    class Wall:
        async def tell(self, message):
            self.last = message

    assert isinstance(Wall(), Teller)
