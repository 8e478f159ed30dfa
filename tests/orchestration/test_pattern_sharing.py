"""A pattern travels by consent of both sides, keeps its owner, and is gone when either takes it back."""

import asyncio
from datetime import timedelta

import pytest

from tests.support.planted import BARS, candles
from workbench.domain.errors import LedgerError, ValueRefused
from workbench.domain.patterns import OutcomeRule
from workbench.ledger.accepted_patterns import accept, accepted, labels_of, offers_to, received_name
from workbench.ledger.log import open_ledger
from workbench.orchestration.data_sync import DataSync
from workbench.orchestration.pattern_sharing import PatternSharing, offer_from
from workbench.visual.pattern_learning import ChartWindow, CustomPatternLearner

MARKET = ("BTC/USD", "1h")
TABLE = candles(1, 700, [(60 + 110 * n, "cup") for n in range(5)])


@pytest.fixture
async def house(tmp_path):
    ledger = open_ledger(tmp_path / "ledger.sqlite")
    lab = CustomPatternLearner(ledger, "ann")
    for row in (60, 170, 280):
        times = TABLE.index[row].to_pydatetime(), TABLE.index[row + BARS - 1].to_pydatetime()
        lab.annotate_pattern(ChartWindow(*MARKET, TABLE.iloc[:400], *times), "cup", OutcomeRule())
    sync = DataSync(ledger)
    yield ledger, sync, PatternSharing(ledger, sync)
    await sync.stop()
    ledger.close()


def names(ledger, user):
    return [one.pattern for one in labels_of(ledger, user)]


async def test_nothing_is_received_without_both_consents(house):
    ledger, sync, sharing = house
    with pytest.raises(LedgerError, match="shares no pattern"):
        accept(ledger, "bob", "ann", "cup", True)
    assert offers_to(ledger, "bob") == []

    offer = await sharing.share("ann", "cup", True)

    assert len(offer.labels) == 3
    assert await sync.sharing("ann") == {**await sync.sharing("bob"), "patterns": True}
    (seen,) = offers_to(ledger, "bob")
    assert (seen.owner, seen.pattern, len(seen.labels), seen.accepted) == ("ann", "cup", 3, False)
    assert names(ledger, "bob") == []
    accept(ledger, "bob", "ann", "cup", True)
    assert names(ledger, "bob") == [received_name("ann", "cup")] * 3 == ["cup of ann"] * 3
    assert {one.user_id for one in labels_of(ledger, "bob")} == {"ann"}
    assert ledger.annotations.all("bob") == ledger.annotations.patterns("bob") == []  # never counted as bob's own
    with pytest.raises(LedgerError, match="shares no pattern"):
        accept(ledger, "ann", "ann", "cup", True)


@pytest.mark.parametrize("end", ["unshare", "topic off", "decline", "label taken back"])
async def test_either_side_may_end_it(house, end):
    ledger, sync, sharing = house
    await sharing.share("ann", "cup", True)
    accept(ledger, "bob", "ann", "cup", True)

    if end == "unshare":
        await sharing.share("ann", "cup", False)
    elif end == "topic off":
        await sync.share("ann", "patterns", False)
    elif end == "decline":
        accept(ledger, "bob", "ann", "cup", False)
    else:
        ledger.annotations.edit("ann", ledger.annotations.all("ann")[0].annotation_id, shared=False)

    assert names(ledger, "bob") == (["cup of ann"] * 2 if end == "label taken back" else [])
    assert names(ledger, "ann") == ["cup"] * 3
    assert accepted(ledger, "bob") == ([] if end == "decline" else [("ann", "cup")])


async def test_whoever_received_a_pattern_finds_it_and_loses_it(house):
    ledger, _, sharing = house
    history = {MARKET: TABLE}
    bob = CustomPatternLearner(ledger, "bob", history, trees=20, windows=200)
    await sharing.share("ann", "cup", True)
    accept(ledger, "bob", "ann", "cup", True)

    found = await asyncio.to_thread(bob.recognize_user_patterns, ChartWindow(*MARKET, TABLE), "bob")
    rates = await asyncio.to_thread(bob.get_pattern_success_rates, "bob")

    assert {one.pattern for one in found} == {one.pattern for one in rates} == {"cup of ann"}
    await sharing.share("ann", "cup", False)
    with pytest.raises(ValueRefused, match="there are no labels"):
        bob.recognize_user_patterns(ChartWindow(*MARKET, TABLE), "bob")


async def test_a_bot_hears_of_it_on_the_topic_with_its_owner_and_of_its_end(house):
    ledger, sync, sharing = house
    await sharing.share("ann", "cup", True)
    heard = sync.subscribe("patterns", after=0, user="bot trend")
    first = offer_from(await asyncio.wait_for(anext(heard), 60))
    await sharing.share("ann", "cup", False)
    second = offer_from(await asyncio.wait_for(anext(heard), 60))
    await heard.aclose()

    assert (first.owner, first.pattern) == ("ann", "cup")
    assert [one.bars for one in first.labels] == [one.bars for one in ledger.annotations.all("ann")]
    assert all(one.seen_until - one.last_at > timedelta(0) for one in first.labels)
    assert (second.owner, second.labels) == ("ann", ())


async def test_what_nobody_labelled_cannot_be_shared(house):
    with pytest.raises(ValueRefused, match="labelled no pattern 'flag'"):
        await house[2].share("ann", "flag", True)
