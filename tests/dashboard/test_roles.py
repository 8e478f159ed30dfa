"""Who may do what on the page: every command × role over its real WebSocket, and logins that change while it runs."""

import re
import time
from types import SimpleNamespace
from uuid import uuid4

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.dashboard.test_page import until
from tests.support.desk_page_floor import PageFloor
from tests.support.page_server import PageServer
from tests.support.page_visitor import PageVisitor
from workbench.commands.catalogue import CATALOGUE
from workbench.commands.permitted import permits, refusal
from workbench.commands.spec import Role
from workbench.dashboard.page_settings import NOTEBOOK
from workbench.dashboard.passwords import Login, forget, people_of, store
from workbench.dashboard.viewer import KEY_VARIABLE, ROLE_VARIABLE, current_role
from workbench.domain.errors import SettingsError, ValueRefused

SECRET = "the password of {}"
PEOPLE = {"vera": Role.VIEWER, "otto": Role.OPERATOR, "ada": Role.ADMIN, "desk": Role.ADMIN}
LONG = {
    "/stream",
    "/tune",
    "/model train",
    "/pattern train",
    "/pattern scan",
    "/dashboard",
    "/analyze zone",
    "/draw sr",
}
"""Allowed lines that are given up once they are under way: it is their beginning that is looked at."""
GATE = re.compile(r"^/[a-z ]+ is for (operator|admin)s; your role is (viewer|operator)$")


@pytest.fixture(scope="module")
def floor(tmp_path_factory):
    """Two bots at a venue, and four people who may log in."""
    with PageFloor(tmp_path_factory.mktemp("roles") / "home") as floor:
        for name, role in PEOPLE.items():
            store(floor.home, name, SECRET.format(name), role)
        yield floor


@pytest.fixture(scope="module")
def page(floor):
    env = {**floor.env, "WORKBENCH_PAGE_TOKEN": ""}
    with PageServer("--port", "0", "--heated", "1", "--viewers", "8", notebook=NOTEBOOK, env=env) as page:
        yield page


@pytest.fixture
def home(floor):
    return floor.home


@pytest.fixture
def ledger(floor):
    return floor.ledger


def person(page, name):
    return PageVisitor(page, name=name, secret=SECRET.format(name))


@pytest.mark.parametrize("name", PEOPLE)
def test_every_command_is_for_whom_it_says_over_the_pages_own_line(page, name):
    role, wrong = PEOPLE[name], []

    with person(page, name).opened() as talk:
        for spec in CATALOGUE:
            allowed = role.includes(spec.role)
            if allowed and spec.urgent:
                continue  # it stops the floor, see below
            told = begun(talk, line_of(spec)) if allowed and spec.name in LONG else talk.asked(line_of(spec))
            if allowed == bool(GATE.match(told["error"])):
                wrong.append((spec.name, told["error"]))

    assert wrong == []


def line_of(spec):
    """Its example, with names that there are on this floor."""
    return spec.example.replace("@research", "all").replace("ETHUSD", "BTCUSD")


def begun(talk, line):
    """What is said of a line by the time it is under way, which is given up then."""
    question = uuid4().hex
    talk.say({"kind": "ask", "id": question, "line": line})
    talk.heard(lambda one: one.get("id") == question and one.get("phase") == "sent")
    talk.say({"kind": "give_up", "id": question})
    told = talk.heard(lambda one: one.get("id") == question and one.get("phase") in ("done", "refused"))
    return told.get("reply") or {"error": told["error"]}


def test_a_viewer_changes_nothing_by_any_message(page, ledger):
    """Not by a command, the halt button's word, a drawing or a label, whatever the page's script would have offered."""
    before = ledger.read(limit=10_000), ledger.states.all()

    with person(page, "vera").opened() as talk:
        for spec in CATALOGUE:
            if spec.effect:
                assert GATE.match(talk.asked(line_of(spec))["error"]), spec.name
        for kind, said in (
            ("halt", {"typed": "halt"}),
            ("release", {"scope": "desk"}),
            ("release", {"code": "abcdef"}),
        ):
            talk.say({"kind": kind, "id": "d", **said})
            told = talk.heard(lambda one, kind=kind: one.get("kind") == kind and one.get("phase") == "refused")
            assert GATE.match(told["error"])
        drawing = {"id": "x", "shape": "level", "price": 1.0}
        for tab, acts in (
            ("live", [{"kind": "draw", "put": [drawing]}, {"kind": "undo"}, {"kind": "redo"}]),
            ("lab", [{"kind": kind} for kind in ("save", "delete", "undo", "bring", "accept", "train")]),
        ):
            talk.say({"kind": "open", "tab": tab, "choice": {}})
            model = talk.heard(lambda one: one.get("kind") == "opened")["model"]
            for act in acts:
                talk.say({**act, "page": "p", "turn": 1}, model)
                assert "is for operators; your role is viewer" in talk.heard(is_refusal)["words"], act

    assert (ledger.read(limit=10_000), ledger.states.all()) == before


def is_refusal(content):
    return content.get("kind") == "refused"


def test_what_is_not_for_a_role_is_not_offered_and_the_head_says_who_looks(page):
    with person(page, "vera").opened() as talk:
        talk.say({"kind": "lines", "id": "l", "page": "patterns"})
        lines = talk.heard(lambda one: one.get("kind") == "lines")["lines"]

    assert lines
    assert all(permits(Role.VIEWER, line) for line in lines)
    assert not any(line.startswith("/draw sr") for line in lines)


def test_an_operator_halts_by_name_and_only_an_admin_releases(page, ledger):
    """As in Telegram: /halt is the operator's, /release the admin's."""
    with person(page, "otto").opened() as talk:
        talk.say({"kind": "halt", "id": "d", "typed": "halt"})
        talk.heard(lambda one: one.get("kind") == "halt" and one.get("phase") in ("done", "refused"))
        talk.say({"kind": "release", "id": "r", "scope": "desk"})
        refused = talk.heard(lambda one: one.get("kind") == "release" and one.get("phase") == "refused")

    assert ledger.states.all()["desk"].set_by == "otto"
    assert refused["error"] == "/release is for admins; your role is operator"

    with person(page, "ada").opened() as talk:
        talk.say({"kind": "release", "id": "r", "scope": "desk"})
        code = talk.heard(lambda one: one.get("kind") == "release" and one.get("phase") == "code")["code"]
        talk.say({"kind": "release", "id": "r", "scope": "desk", "code": code})
        talk.heard(lambda one: one.get("kind") == "release" and one.get("phase") == "done")

    assert "desk" not in ledger.states.all()


def test_a_command_is_written_down_under_the_name_of_who_gave_it(page, ledger):
    with person(page, "otto").opened() as talk:
        assert talk.asked("/pause trend --id by-otto")["ok"]
        assert talk.asked("/resume trend")["ok"]

    assert ledger.command("by-otto").command.issued_by == "otto"


def test_a_browser_cannot_say_who_it_is_or_what_it_may(page):
    visitor = person(page, "vera")
    visitor.web.headers.update({"X-Workbench-User": "ada", "X-Workbench-Role": "admin"})

    with visitor.opened() as talk:
        assert GATE.match(talk.asked("/halt all")["error"])


def test_a_line_to_somebody_elses_kernel_is_refused(page):
    with person(page, "ada").opened() as talk:
        for other in ("vera", "ada"):  # another login of the same person as well
            with pytest.raises(InvalidStatus, match="403"):
                person(page, other).line_to(talk.kernel_id)


@pytest.mark.parametrize(
    "change",
    [
        lambda home: forget(home, "max"),
        lambda home: store(home, "max", "another password"),
        lambda home: store(home, "max", SECRET.format("max"), Role.VIEWER),
    ],
    ids=["removed", "password", "role"],
)
def test_a_login_that_is_gone_or_another_has_no_session_any_more(page, home, change):
    store(home, "max", SECRET.format("max"), Role.OPERATOR)
    visitor, other = person(page, "max"), person(page, "ada")
    until(lambda: visitor.login.status_code == 302 or again(visitor))

    with visitor.opened() as talk:
        with other.opened() as undisturbed:
            change(home)
            with pytest.raises(ConnectionClosed, match="the login has changed"):
                talk.heard(lambda one: False)
            assert undisturbed.asked("/help")["ok"]
        until(lambda: visitor.web.get(f"/api/kernels/{talk.kernel_id}").status_code != 200)

    assert visitor.web.get("/").headers["Location"].startswith("/login")


def again(visitor):
    """A name that is new is known within a second."""
    time.sleep(0.3)
    visitor.login = visitor.web.post("/login", data={"name": "max", "secret": SECRET.format("max")})
    return visitor.login.status_code == 302


def test_roles_are_kept_with_the_hash_and_a_file_from_before_them_is_the_admins(tmp_path):
    assert store(tmp_path, "anna", "password of anna") is Role.VIEWER
    assert store(tmp_path, "anna", "password of anna", Role.OPERATOR) is Role.OPERATOR
    assert store(tmp_path, "anna", "a new password") is Role.OPERATOR
    assert store(tmp_path, "desk", "password of all") is Role.ADMIN
    people = people_of(tmp_path, {})
    assert {name: login.role for name, login in people.items()} == {"anna": Role.OPERATOR, "desk": Role.ADMIN}

    (tmp_path / "page" / "passwords.json").write_text(f'{{"ben": "{people["anna"].hashed}"}}')
    assert people_of(tmp_path, {}) == {"ben": Login(people["anna"].hashed, Role.ADMIN)}
    assert people["anna"].hashed not in repr(people)


@pytest.mark.parametrize(
    "text", ['{"ben": {"hash": "argon2:x", "role": "root"}}', '{"ben": {"role": "admin"}}', '{"ben": 1}', "[]"]
)
def test_a_file_that_says_something_else_lets_nobody_in(tmp_path, text):
    store(tmp_path, "anna", "password of anna")
    (tmp_path / "page" / "passwords.json").write_text(text)

    with pytest.raises(SettingsError):
        people_of(tmp_path, {})


def test_the_one_without_a_name_is_the_admin_and_nobody_else_takes_that_name(tmp_path):
    with pytest.raises(ValueRefused, match="is the admin's"):
        store(tmp_path, "desk", "password of all", Role.VIEWER)
    with pytest.raises(ValueRefused, match="choose another"):
        store(tmp_path, "you", "password of all")


@pytest.mark.parametrize(
    ("environment", "role"),
    [
        ({}, Role.ADMIN),
        ({ROLE_VARIABLE: "operator"}, Role.OPERATOR),
        ({KEY_VARIABLE: "k", ROLE_VARIABLE: "admin"}, Role.ADMIN),
        ({KEY_VARIABLE: "k"}, Role.VIEWER),
        ({KEY_VARIABLE: "k", ROLE_VARIABLE: ""}, Role.VIEWER),
        ({KEY_VARIABLE: "k", ROLE_VARIABLE: "root"}, Role.VIEWER),
    ],
)
def test_a_kernel_of_the_page_that_was_told_nothing_is_a_viewers(monkeypatch, environment, role):
    for name in (KEY_VARIABLE, ROLE_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert current_role() is role


def test_a_refusal_says_who_may_and_who_asks():
    assert refusal(Role.VIEWER, "/draw level", "drawing") == "drawing is for operators; your role is viewer"
    assert refusal(Role.OPERATOR, "/draw level", "drawing") == ""
    assert permits(Role.VIEWER, "/nothing of the kind")
    assert SimpleNamespace(**{spec.name: permits(Role.ADMIN, spec.example) for spec in CATALOGUE})
