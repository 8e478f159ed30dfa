"""Models in the ledger: the same bytes for everybody, one champion, and a way back."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ledger.builders import AT
from workbench.domain.errors import LedgerError, ModelRefused
from workbench.domain.events import NewEvent
from workbench.ledger import model_store
from workbench.ledger.model_store import ModelStore, Promotion, rollback_target

NAME = "volatility:1h:24"


def put(store, data):
    return store.put(NAME, data, {"rows": 1}, "desk")


def test_bytes_come_back_from_another_process(ledger, second):
    model = put(ModelStore(ledger), bytes(range(256)))

    assert ModelStore(second).get(model.sha256) == bytes(range(256))
    assert ModelStore(second).versions(NAME) == [model]
    assert ModelStore(second).names() == [NAME]


def test_versions_rise_and_the_same_bytes_keep_theirs(ledger):
    store = ModelStore(ledger)

    assert [put(store, data).version for data in (b"a", b"b", b"a")] == [1, 2, 1]


def test_two_processes_that_train_at_once_get_two_numbers(ledger, second):
    found, start = [], threading.Barrier(2)

    def train(store, data):
        start.wait()
        found.append(put(store, data).version)

    threads = [threading.Thread(target=train, args=(ModelStore(place), data))
               for place, data in ((ledger, b"a"), (second, b"b"))]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert sorted(found) == [1, 2]


def test_the_champion_is_the_last_promoted_and_the_second_of_two_at_once_is_told(ledger, second):
    store, other = ModelStore(ledger), ModelStore(second)
    one, two = put(store, b"a"), put(store, b"b")

    first = store.promote(one, 0, "desk", "better")
    with pytest.raises(LedgerError, match="another champion meanwhile"):
        other.promote(two, 0, "ann", "mine")
    second_change = other.promote(two, first.change, "ann", "mine")

    assert store.champion(NAME) == second_change
    assert (second_change.version, second_change.before, second_change.change) == (2, 1, 2)


def test_unknown_bytes_are_refused_by_name(ledger):
    with pytest.raises(ModelRefused, match="no model with hash"):
        ModelStore(ledger).get("0" * 64)


@pytest.mark.parametrize("text", ["YWJj", "not base64!", ""])
def test_bytes_that_are_not_what_they_are_called_are_refused(ledger, text):
    ledger.append([NewEvent(model_store.MODEL_STORED, "x", {"base64": text}, "model:" + "0" * 64, AT)])

    with pytest.raises(ModelRefused, match=r"another hash|damaged"):
        ModelStore(ledger).get("0" * 64)


def test_a_model_too_large_for_the_ledger_is_refused(ledger, monkeypatch):
    monkeypatch.setattr(model_store, "MOST_BYTES", 10)

    with pytest.raises(ModelRefused, match="up to 10"):
        put(ModelStore(ledger), bytes(11))


def change(version, rollback=False):
    return Promotion(NAME, 1, version, "", 0, rollback, "", "", AT, 1)


def test_going_back_twice_goes_back_two_steps():
    history = [change(1), change(2), change(5)]
    assert rollback_target(history) == 2
    history.append(change(2, rollback=True))
    assert rollback_target(history) == 1
    history.append(change(1, rollback=True))
    with pytest.raises(LedgerError, match="no earlier champion"):
        rollback_target(history)
    history.append(change(6))
    assert rollback_target(history) == 1


def test_only_what_was_champion_can_be_gone_back_to():
    assert rollback_target([change(1), change(2), change(3)], 1) == 1
    with pytest.raises(LedgerError, match="never champion"):
        rollback_target([change(1), change(2)], 7)


@given(st.lists(st.integers(1, 6), min_size=1, max_size=12, unique=True))
def test_rollbacks_undo_promotions_one_by_one(versions):
    history = [change(version) for version in versions]
    for expected in reversed(versions[:-1]):
        assert rollback_target(history) == expected
        history.append(change(expected, rollback=True))
