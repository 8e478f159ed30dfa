"""The lab's hand: whatever a page asks is answered once, labels reach the ledger, and every page hears of them."""

import asyncio

import pytest

from tests.visual.lab_scene import charts, window
from workbench.domain.errors import LedgerError
from workbench.ledger.log import open_ledger
from workbench.ledger.pattern_log import TRIAL
from workbench.orchestration.data_sync import DataSync
from workbench.visual.lab_learner import OwnPatterns, Trained
from workbench.visual.lab_session import LabSession
from workbench.widgets import lab_wire
from workbench.widgets.lab_hand import LabHand
from workbench.widgets.pattern_lab import PatternLab


class Page:
    """One page's side of the wire."""

    def __init__(self, ledger, learner=None):
        seen = charts()
        learner = learner or OwnPatterns(ledger, seen, trees=10)
        self.heard, self.turn = [], 0
        self.session = LabSession(seen, ledger, learner, "ann")
        self.hand = LabHand(self.session, self.heard.append)

    async def ask(self, kind, **more):
        """The answer to one question."""
        self.turn += 1
        self.hand.hear({"kind": kind, "page": "p-1", "turn": self.turn, **more})
        await self.hand.stop()
        return next(one for one in self.heard if one.get("turn") == self.turn)

    async def save(self, name="spike", **more):
        told = {**lab_wire.window(window()), "pattern": name, "outcome": "rule", "rule": {}, "note": "", "id": None}
        return await self.ask("save", **{**told, **more})


def shared(one, other):
    """Time in both windows ÷ time in either."""
    both = min(one["last"], other["last"]) - max(one["first"], other["first"])
    return both / (max(one["last"], other["last"]) - min(one["first"], other["first"]))


@pytest.fixture
def ledger(tmp_path):
    opened = open_ledger(tmp_path / "ledger.sqlite")
    yield opened
    opened.close()


async def test_a_label_is_kept_and_every_page_hears_of_it(ledger):
    page = Page(ledger)
    told = await page.save(note="first")

    assert told["kind"] == "save"
    assert told["fresh"] is True
    assert [(one.pattern, one.note) for one in ledger.annotations.all("ann")] == [("spike", "first")]
    news = page.heard[-1]
    assert (news["kind"], "page" in news) == ("labels", False)
    assert [one["pattern"] for one in news["labels"]] == ["spike"]
    assert [one["name"] for one in news["patterns"]] == ["spike"]


async def test_edit_move_delete_and_undo_go_to_the_ledger(ledger):
    page = Page(ledger)
    kept = (await page.save())["label"]

    await page.save("needle", id=kept["id"], outcome="success")
    moved = await page.save("needle", id=kept["id"], moved=True, **{**lab_wire.window(window(first=102))})
    await page.ask("delete", id=kept["id"])
    gone = ledger.annotations.all("ann")
    words = (await page.ask("undo"))["words"]

    assert moved["label"]["first"] > kept["first"]
    assert gone == []
    assert "back as it was" in words
    assert [change.action for change in ledger.annotations.history("ann")] == [
        "created",
        "edited",
        "edited",
        "deleted",
        "restored",
    ]


async def test_undo_without_anything_says_so(ledger):
    assert (await Page(ledger).ask("undo"))["words"] == "nothing left to undo"


async def test_a_page_that_opens_hears_what_was_labelled_and_the_widget_carries_none_of_it(ledger):
    await Page(ledger).save()
    lab = PatternLab(Page(ledger).session)

    told = await Page(ledger).ask("hello")

    assert [one["pattern"] for one in told["labels"]] == ["spike"]
    assert lab.opens == ["AAA/USD", "1h"]
    assert "spike" not in str(lab.get_state())


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"kind": "save", "pattern": "", "outcome": "rule"}, "begins|characters|number"),
        ({"kind": "delete", "id": "nobody"}, "has no annotation"),
        ({"kind": "delete", "id": "<img src=x>"}, "names no label"),
        ({"kind": "chart", "symbol": "ZZZ/USD", "timeframe": "1h"}, "no 1h candles"),
        ({"kind": "chart", "symbol": None, "timeframe": 7}, "text of at most"),
        ({"kind": "similar", "symbol": "AAA/USD", "timeframe": "1h", "first": 0, "last": 1}, "has no bars"),
        ({"kind": "train"}, "learning starts at 3 labels"),
    ],
)
async def test_what_cannot_be_done_is_refused_with_the_reason(ledger, asked, why):
    page = Page(ledger)
    page.hand.hear({**asked, "page": "p-1", "turn": 1})
    await page.hand.stop()

    refused = next(one for one in page.heard if one["kind"] == "refused")
    assert (refused["asked"], refused["turn"], refused["page"]) == (asked["kind"], 1, "p-1")
    assert any(part in refused["words"] for part in why.split("|"))


async def test_what_nobody_asks_is_not_answered(ledger):
    page = Page(ledger)
    for content in ({}, {"kind": "__class__"}, {"kind": "halt"}, {"kind": ["save"]}):
        page.hand.hear(content)
    await page.hand.stop()

    assert page.heard == []


async def test_a_brushed_window_brings_similar_ones_and_its_ending(ledger):
    page = Page(ledger)
    asked = {**lab_wire.window(window())}

    similar = await page.ask("similar", **asked)
    ending = await page.ask("ending", **asked, rule={"target": 0.01, "stop": 0.5, "horizon": 3})

    assert len(similar["matches"]) > 1
    assert similar["matches"][0]["likeness"] > 0.99
    assert ending["ending"]["outcome"] in ("success", "failure")


class Slow:
    """A learner that tells how far it is, and is asked once at a time."""

    def __init__(self, broken=False):
        self.asked, self.broken = 0, broken

    def train(self, user_id, tell, anew=True):
        self.asked += 1
        tell(0.5, "<b>half</b>")
        if self.broken:
            raise RuntimeError("the disk is full")
        tell(1.0, "done")
        return Trained({"spike": 3}, 0.61, "61 % of 12 held-out labels were told right")

    def trained(self, user_id):
        return None

    def count(self, user_id):
        pass

    def records(self, user_id):
        return []

    def due(self, user_id):
        return False


async def test_training_tells_how_far_it_is_and_how_good_it_was(ledger):
    page = Page(ledger, Slow())
    told = await page.ask("train")

    steps = [one for one in page.heard if one["kind"] == "training"]
    assert [one["done"] for one in steps] == [0.0, 0.5, 1.0]
    assert steps[1]["words"] == "<b>half</b>"
    assert (told["kind"], told["trained"]["score"]) == ("trained", 0.61)


async def test_training_is_not_begun_twice(ledger):
    learner = Slow()
    page = Page(ledger, learner)
    for turn in range(3):
        page.hand.hear({"kind": "train", "page": "p-1", "turn": turn})
    await page.hand.stop()

    assert learner.asked == 1


async def test_a_fault_of_ours_is_said_and_does_not_look_like_work(ledger):
    page = Page(ledger, Slow(broken=True))
    told = await page.ask("train")

    assert told["kind"] == "refused"
    assert told["words"] == "RuntimeError: the disk is full"


async def test_three_labels_are_learned_and_found_again(ledger):
    page = Page(ledger)
    await page.save()
    for one in (await page.ask("similar", **lab_wire.window(window())))["matches"][:2]:
        await page.save(**{key: one[key] for key in ("symbol", "timeframe", "first", "last")})

    with_progress = await page.ask("train")
    found = await page.ask("recognise", symbol="AAA/USD", timeframe="1h")
    proposed = await page.ask("propose", timeframe="1h", skipped=["x", 7])
    records = await page.ask("records")

    assert with_progress["kind"] == "trained"
    planted = lab_wire.window(window(first=300))
    assert any(one["pattern"] == "spike" and shared(one, planted) > 0.75 for one in found["findings"])
    assert all(one["nearest"] for one in found["findings"])
    assert isinstance(proposed["matches"], list)
    assert [one["pattern"] for one in records["records"]] == ["spike"]
    assert records["records"][0]["words"].startswith("too few to say")
    assert {"seen", "since", "cuts"} <= set(records["records"][0])


async def test_what_was_trained_before_is_learned_again_when_a_page_opens(ledger):
    ledger.pattern_log.note("ann", TRIAL, {"spike|rule": {"cut": "all"}})
    page = Page(ledger)
    await page.save()
    await page.ask("hello")

    refused = [one for one in page.heard if one["kind"] == "refused"]
    assert [one["asked"] for one in refused] == ["train"]  # it was tried: one label is too few now


async def test_answers_do_not_wait_for_one_another(ledger):
    page = Page(ledger)
    for turn in range(4):
        page.hand.hear({"kind": "chart", "page": "p-1", "turn": turn, "symbol": "AAA/USD", "timeframe": "1h"})
    async with asyncio.timeout(10):
        await page.hand.stop()

    assert sorted(one["turn"] for one in page.heard) == [0, 1, 2, 3]


def test_the_label_of_another_cannot_be_touched(ledger):
    session = Page(ledger).session
    session.label("a1", window(), lab_wire.label_in({"pattern": "spike"}))
    bob = LabSession(session.charts, ledger, session.learner, "bob")

    with pytest.raises(LedgerError, match="is there already"):
        bob.label("a1", window(), lab_wire.label_in({"pattern": "mine"}))


@pytest.mark.parametrize("ending", ["csv", "parquet", "json"])
async def test_labels_go_to_a_file_and_come_back_once(ledger, ending):
    page = Page(ledger)
    await page.save("=cmd()", note="first")
    label = ledger.annotations.all("ann")[0]

    taken = await page.ask("take", ending=ending)
    ledger.annotations.delete("ann", label.annotation_id)
    other = LabSession(charts(), ledger, OwnPatterns(ledger, charts()), "bob")
    page.hand.session = other
    brought = await page.ask("bring", name=taken["name"].upper(), data=taken["data"])
    again = await page.ask("bring", name=taken["name"], data=taken["data"])

    assert taken["name"] == f"labels.{ending}"
    assert (brought["words"], again["words"]) == ("1 labels taken in", "nothing new in that file")
    (mine,) = ledger.annotations.all("bob")
    assert (mine.pattern, mine.bars, mine.note, mine.rule) == (label.pattern, label.bars, label.note, label.rule)
    assert any(one["kind"] == "labels" for one in page.heard)


async def test_a_file_that_is_none_is_refused_with_the_reason(ledger):
    page = Page(ledger)
    for name, data in (("x.exe", "YQ=="), ("labels.json", "YQ=="), ("labels.csv", "?"), ("labels.csv", None)):
        told = await page.ask("bring", name=name, data=data)
        assert told["kind"] == "refused"
        assert told["words"]
    assert (await page.ask("take", ending="../x"))["kind"] == "refused"
    assert ledger.annotations.all("ann") == []


async def test_a_pattern_of_another_is_offered_taken_and_given_back(ledger):
    bob = Page(ledger)
    bob.session = bob.hand.session = LabSession(charts(), ledger, OwnPatterns(ledger, charts(), trees=10), "bob")
    await Page(ledger).save("<b>spike</b>", shared=True)
    assert (await bob.ask("hello"))["offers"] == []  # the label says yes, its owner shares no patterns yet
    sync = DataSync(ledger)
    await sync.share("ann", "patterns", True)
    await sync.stop()

    (offer,) = (await bob.ask("hello"))["offers"]
    told = await bob.ask("accept", owner=offer["owner"], pattern=offer["pattern"], on=True)
    news = bob.heard[-1]
    again = await bob.ask("accept", owner="ann", pattern="cup", on=True)
    await bob.ask("accept", owner=offer["owner"], pattern=offer["pattern"], on=False)

    assert (offer["owner"], offer["pattern"], offer["labels"], offer["accepted"]) == ("ann", "<b>spike</b>", 1, False)
    assert [len(one) for one in offer["minis"]] == [len(ledger.annotations.all("ann")[0].bars)]
    assert told["words"] == "<b>spike</b> of ann is learned from with the next training"
    assert news["kind"] == "labels"
    assert news["labels"] == []  # never counted as bob's own
    assert [one["pattern"] for one in news["received"]] == ["<b>spike</b> of ann"]
    assert news["offers"][0]["accepted"] is True
    assert (again["kind"], again["words"]) == ("refused", "ann shares no pattern 'cup' any more")
    assert bob.heard[-1]["received"] == []
