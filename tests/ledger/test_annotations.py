"""Annotations belong to a user, keep their history, travel by file; what was tried is never forgotten."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, update

from tests.ledger.pattern_builders import annotation
from workbench.domain.errors import LedgerError, ValueRefused
from workbench.domain.orders import Side
from workbench.domain.patterns import Outcome, OutcomeRule
from workbench.ledger import schema
from workbench.ledger.annotation_wire import from_json, read_file, to_json, write_file


@pytest.fixture
def table(ledger):
    return ledger.annotations


def test_an_annotation_outlives_its_process(table, second):
    kept = annotation(outcome=Outcome.SUCCESS, rule=OutcomeRule(Side.SELL, 0.04, 0.02, 36), note="after a squeeze 🙂")
    table.add(kept)

    assert second.annotations.all("ann") == [kept]
    assert second.annotations.get("ann", "a1") == kept


def test_users_do_not_see_or_change_each_others(table):
    table.add(annotation())

    assert table.all("bob") == []
    for act in (lambda: table.get("bob", "a1"), lambda: table.edit("bob", "a1", note="x")):
        with pytest.raises(LedgerError, match="bob has no annotation 'a1'"):
            act()
    with pytest.raises(LedgerError, match="bob has no annotation"):
        table.delete("bob", "a1")
    assert table.undo("bob") is None
    with pytest.raises(LedgerError, match="there already"):
        table.add(annotation(user_id="bob"))


def test_adding_twice_is_adding_once(table):
    table.add(annotation())
    table.add(annotation())

    assert len(table.history("ann")) == 1


def test_edit_delete_and_undo_walk_back_step_by_step(table):
    first = table.add(annotation())
    edited = table.edit("ann", "a1", pattern="wedge", note="better")
    table.add(annotation("a2"))
    table.delete("ann", "a1")

    assert [one.annotation_id for one in table.all("ann")] == ["a2"]
    assert table.undo("ann").after == edited
    assert table.undo("ann").action == "deleted"  # the adding of a2
    assert table.all("ann") == [edited]
    assert table.undo("ann").after == first
    assert table.undo("ann").after is None
    assert table.undo("ann") is None
    assert table.all("ann") == []
    assert [change.action for change in table.history("ann", "a1")] == [
        *("created", "edited", "deleted", "restored", "restored", "deleted")
    ]


@settings(max_examples=6, deadline=None)
@given(steps=st.lists(st.sampled_from(["add", "edit", "delete", "undo"]), max_size=10), seed=st.integers(0, 9))
def test_undo_is_a_stack(tmp_path_factory, steps, seed):
    from workbench.ledger.log import open_ledger

    ledger = open_ledger(tmp_path_factory.mktemp("undo") / "l.sqlite")
    table, stack, count = ledger.annotations, [[]], 0
    for step in steps:
        now = stack[-1]
        if step == "add":
            count += 1
            stack.append([*now, table.add(annotation(f"a{count}"))])
        elif step == "undo":
            assert (table.undo("ann") is None) == (len(stack) == 1)
            stack = stack[:-1] or [[]]
            stack = stack or [[]]
        elif now:
            chosen = now[seed % len(now)]
            if step == "edit":
                changed = table.edit("ann", chosen.annotation_id, note=f"{chosen.note}+")
                stack.append([changed if one is chosen else one for one in now])
            else:
                table.delete("ann", chosen.annotation_id)
                stack.append([one for one in now if one is not chosen])
        assert table.all("ann") == stack[-1]
    ledger.close()


def test_what_cannot_be_edited_is_named(table):
    table.add(annotation())

    with pytest.raises(LedgerError, match="'user_id' cannot be edited"):
        table.edit("ann", "a1", user_id="bob")
    with pytest.raises(ValueRefused, match="no spaces around"):
        table.edit("ann", "a1", pattern="flag\n")
    with pytest.raises(LedgerError, match="no annotation 'a9'"):
        table.delete("ann", "a9")


def test_patterns_are_the_names_in_use(table):
    rule = OutcomeRule()
    table.add(annotation("a1", outcome=Outcome.SUCCESS))
    table.add(annotation("a2", outcome=Outcome.FAILURE, rule=rule))
    table.add(annotation("a3", pattern="Cup"))
    table.add(annotation("a4", user_id="bob", pattern="secret"))

    assert [(p.name, p.labels, p.successes, p.failures, p.rule) for p in table.patterns("ann")] == [
        ("Cup", 1, 0, 0, None),
        ("flag", 2, 1, 1, rule),
    ]


def test_only_what_is_shared_is_seen_by_all(table):
    table.add(annotation("a1"))
    table.add(annotation("a2", shared=True))

    assert [one.annotation_id for one in table.shared()] == ["a2"]
    table.edit("ann", "a2", shared=False)
    assert table.shared() == []


@pytest.mark.parametrize("ending", ["json", "csv", "parquet"])
def test_files_bring_back_exactly_what_was_written(table, tmp_path, ending):
    table.add(annotation(note="=SUM(A1)", pattern='+dip, "deep"', rule=OutcomeRule(target=0.1 + 0.2), shared=True))
    table.add(annotation("a2", note="NA", pattern="'quoted"))

    path = table.export("ann", tmp_path / f"mine.{ending}")

    assert read_file(path) == table.all("ann")
    assert table.import_file("ann", path) == 0
    assert table.import_file("bob", path) == 2
    assert table.import_file("bob", path) == 0
    assert [(one.user_id, one.pattern) for one in table.all("bob")] == [("bob", '+dip, "deep"'), ("bob", "'quoted")]


def test_no_cell_of_a_spreadsheet_is_a_formula(tmp_path):
    path = write_file([annotation(note="=HYPERLINK(1)", pattern="@x")], tmp_path / "a.csv")

    assert ",=" not in path.read_text()
    assert ",@" not in path.read_text()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"timeframe": "1x"}, "unknown timeframe"),
        ({"outcome": "maybe"}, "maybe"),
        ({"first_at": "2024-05-01T00:00:00"}, "has no zone"),
        ({"bars": [[1, 2, 3]] * 9}, "five finite numbers"),
        ({"rule": {"side": "up"}}, "up"),
        ({"pattern": 7}, "pattern must be text"),
        ({"shared": 1}, "true or false"),
    ],
)
def test_a_wrong_row_is_named_and_nothing_of_the_file_is_taken(ledger, tmp_path, change, words):
    path = tmp_path / "theirs.json"
    path.write_text(json.dumps([to_json(annotation("a0")), {**to_json(annotation("a1")), **change}]))

    with pytest.raises(LedgerError, match=words):
        ledger.annotations.import_file("ann", path)
    assert ledger.annotations.all("ann") == []


@pytest.mark.parametrize("content", ["", "{}", "[1]", "[{}]", "nonsense"])
def test_a_file_of_something_else_is_refused_in_words(table, tmp_path, content):
    for ending in ("json", "csv", "parquet"):
        path = tmp_path / f"x.{ending}"
        path.write_text(content)
        with pytest.raises(LedgerError):
            table.import_file("ann", path)
    with pytest.raises(LedgerError, match=r"\.json, \.csv or \.parquet"):
        table.import_file("ann", path.rename(tmp_path / "x.txt"))


def test_json_keeps_every_field():
    kept = annotation(outcome=Outcome.FAILURE, rule=OutcomeRule(Side.SELL))

    assert from_json(json.loads(json.dumps(to_json(kept)))) == kept


def test_trials_are_counted_once_each_and_never_forgotten(ledger, second):
    log = ledger.pattern_log
    assert log.note("ann", "trial", {"flag/1h/24": {"n": 3}, "flag/1h/48": {}}) == 2
    assert second.pattern_log.note("ann", "trial", {"flag/1h/24": {"n": 4}, "cup": {}}) == 1
    log.note("bob", "trial", {"flag/1h/24": {}})
    log.note("ann", "feedback", {"r1": {"answer": "taken"}})

    assert (log.count("ann"), log.count("bob"), log.count("eve")) == (3, 1, 0)
    assert [(row.key, row.facts) for row in log.all("ann", "feedback")] == [("r1", {"answer": "taken"})]
    with pytest.raises(LedgerError, match="no kind 'guess'"):
        log.note("ann", "guess", {"x": {}})


@pytest.mark.parametrize("name", ["annotations", "pattern_log"])
def test_the_database_itself_refuses_to_forget(ledger, name):
    ledger.annotations.add(annotation())
    ledger.pattern_log.note("ann", "trial", {"x": {}})
    table = schema.metadata.tables[name]
    for statement in (delete(table), update(table).values(user_id="bob")):
        with pytest.raises(LedgerError, match="append-only"), ledger._store.write() as connection:
            connection.execute(statement)

    assert ledger.pattern_log.count("ann") == 1
