"""Who may be heard: every command × everybody who might send it, at the gate and through the whole surface."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.telegram_desk import (
    ADMIN,
    GROUP,
    OPERATOR,
    OTHER_GROUP,
    PENDING,
    STRANGER,
    VIEWER,
    telegram_desk,
)
from tests.support.telegram_server import TOKEN
from workbench.commands.catalogue import CATALOGUE
from workbench.commands.spec import Role
from workbench.integrations.telegram_buttons import Button, same_secret, secret_for, signer_for
from workbench.integrations.telegram_gate import AsksAccess, Gate, Heard, Turned
from workbench.integrations.telegram_update import Form, Incoming, read_update
from workbench.integrations.telegram_wire import PATH, SECRET_HEADER
from workbench.ledger.telegram_people import Standing

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
SIGNER = signer_for("1:a")
PEOPLE = {VIEWER: Standing.VIEWER, OPERATOR: Standing.OPERATOR, PENDING: Standing.PENDING, 6: Standing.REFUSED}
GATE = Gate("desk_bot", SIGNER, frozenset({ADMIN}), frozenset({GROUP}), PEOPLE)
SENDERS = {
    "stranger": {"person": STRANGER},
    "pending": {"person": PENDING},
    "refused": {"person": 6},
    "viewer": {"person": VIEWER},
    "operator": {"person": OPERATOR},
    "admin": {"person": ADMIN},
    "wrong chat": {"person": ADMIN, "chat": OTHER_GROUP},
    "right chat wrong user": {"person": STRANGER, "chat": GROUP},
    "somebody's private chat": {"person": STRANGER, "chat": ADMIN},
    "nobody": {"person": 0, "chat": GROUP},
    "edited message": {"person": ADMIN, "form": Form.EDITED},
    "passed on": {"person": ADMIN, "form": Form.OTHER},
    "forged callback": {"person": ADMIN, "form": Form.PRESS},
    "another chat's button": {"person": ADMIN, "form": Form.PRESS},
}
HEARD_AS = {"viewer": Role.VIEWER, "operator": Role.OPERATOR, "admin": Role.ADMIN}


def words(line, person, chat=0, form=Form.WORDS, sent_at=NOW, said=None):
    chat = chat or person
    return Incoming(1, form, chat, chat > 0, person, "Ann", said or line, sent_at)


def from_sender(name, line):
    how = SENDERS[name]
    came = words(line, **how)
    if name == "forged callback":
        return replace(came, said=f"ask:line:{line}"[:50] + "~AAAAAAAAAAAA")
    if name == "another chat's button":
        return replace(came, said=SIGNER.data(Button("x", "ask", "line", "/halt all"), GROUP))
    return came


@pytest.mark.parametrize("name", SENDERS)
@pytest.mark.parametrize("spec", CATALOGUE, ids=lambda spec: spec.name)
def test_only_who_was_let_in_is_heard_and_only_as_what_they_are(spec, name):
    verdict = GATE.admit(from_sender(name, spec.example), NOW)

    if name in HEARD_AS:
        assert verdict == Heard(HEARD_AS[name], line=spec.example)
    else:
        assert isinstance(verdict, Turned), verdict


@pytest.mark.parametrize(
    ("person", "verdict"),
    [(STRANGER, AsksAccess), (PENDING, Turned), (6, Turned), (VIEWER, Heard), (ADMIN, Heard)],
)
def test_a_stranger_may_ask_to_be_let_in_and_nothing_else(person, verdict):
    assert isinstance(GATE.admit(words("/start", person), NOW), verdict)
    assert isinstance(GATE.admit(words("/start", STRANGER, GROUP), NOW), Turned)


def test_an_empty_list_of_admins_means_nobody():
    nobody = Gate("desk_bot", SIGNER)

    for person in range(1, 8):
        assert nobody.role(person) is None
        assert isinstance(nobody.admit(words("/bots", person), NOW), Turned)


@pytest.mark.parametrize(
    ("line", "heard"), [("/pause trend", False), ("/halt all", True), ("/HALT", True), ("/haltx", False)]
)
def test_only_the_emergency_stop_is_never_too_old(line, heard):
    old = words(line, ADMIN, sent_at=NOW - timedelta(hours=20))

    assert isinstance(GATE.admit(old, NOW), Heard) is heard
    assert isinstance(GATE.admit(replace(old, sent_at=NOW - timedelta(seconds=59)), NOW), Heard)


@given(st.text(max_size=80), st.sampled_from([VIEWER, ADMIN, STRANGER]), st.sampled_from([0, GROUP, OTHER_GROUP]))
def test_whatever_is_pressed_counts_only_with_our_signature(data, person, chat):
    came = words("x", person, chat, Form.PRESS, None, data or "x")

    assert isinstance(GATE.admit(came, NOW), Turned)


@given(st.text("abc:/ é", max_size=40), st.integers(-(2**40), 2**40), st.integers(0, 70))
def test_a_signature_holds_for_its_chat_and_its_words_alone(params, chat, at):
    data = SIGNER.data(Button("x", "ask", "line", params), chat)
    if data is None:
        assert len(f"ask:line:{params}~".encode()) + 12 > 64
        return

    assert SIGNER.read(data, chat) == ("ask", "line", params)
    assert SIGNER.read(data, chat + 1) is None
    assert signer_for("1:b").read(data, chat) is None
    changed = data[:at] + ("x" if data[at : at + 1] != "x" else "y") + data[at + 1 :]
    assert SIGNER.read(changed, chat) is None


def test_secrets_are_compared_whole():
    secret = secret_for(TOKEN, "https://desk.example")

    assert same_secret(secret, secret)
    for wrong in (None, "", secret[:-1], secret + "x", secret_for(TOKEN, "https://other.example")):
        assert not same_secret(wrong, secret)
    assert len(secret) <= 256
    assert secret.replace("-", "").replace("_", "").isalnum()


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
_KEYS = st.sampled_from(["message", "edited_message", "callback_query", "from", "chat", "id", "text", "date", "data"])


@given(st.dictionaries(_KEYS, st.dictionaries(_KEYS, _JSON, max_size=5) | _JSON, max_size=4))
def test_whatever_arrives_is_read_or_can_do_nothing(raw):
    came = read_update({"update_id": 7, **raw})

    assert came.body()["update_id"] == 7
    if came.form is Form.OTHER:
        assert isinstance(GATE.admit(came, NOW), Turned)


@pytest.mark.parametrize("extra", [{"forward_origin": {}}, {"via_bot": {}}, {"sender_chat": {"id": -5}}])
def test_words_passed_on_or_said_by_a_channel_are_nobodys(extra):
    chat = {"id": GROUP, "type": "supergroup"}
    sender = {"id": ADMIN, "is_bot": False, "first_name": "Ann"}
    message = {"message_id": 1, "date": int(NOW.timestamp()), "chat": chat, "from": sender, "text": "/halt all"}

    assert isinstance(GATE.admit(read_update({"update_id": 1, "message": message}), NOW), Heard)
    assert isinstance(GATE.admit(read_update({"update_id": 1, "message": message | extra}), NOW), Turned)


EFFECTS = [spec for spec in CATALOGUE if spec.effect]
LOWER = {Role.OPERATOR: [VIEWER], Role.ADMIN: [VIEWER, OPERATOR]}


async def test_nothing_changes_by_whoever_may_not_change_it(tmp_path):
    """Every command that changes something, from everybody who may not, through the real surface; then a marker from an
    admin shows that all of them were looked at."""
    async with telegram_desk(tmp_path) as desk:
        server = desk.server
        desk.ledger.states.tighten("bot:trend", _halted(), "test", "test")
        before = desk.effects()

        updates = []
        for spec in EFFECTS:
            line = spec.example
            updates += [await server.say(person, line) for person in LOWER[spec.role]]
            await server.say(STRANGER, line)
            await server.say(PENDING, line)
            await server.say(ADMIN, line, OTHER_GROUP)
            await server.say(STRANGER, line, GROUP)
            await server.say(STRANGER, line, ADMIN)
            await server.say(ADMIN, line, edited=True)
            shown = _Shown(ADMIN)
            await server.press(ADMIN, shown, f"ask:line:{line}~AAAAAAAAAAAA"[:64])
            await server.press(STRANGER, _Shown(GROUP), _signed(line, GROUP))
            await server.press(ADMIN, shown, _signed("/halt all", GROUP))
        await server.say(ADMIN, "/help")
        await server.heard(ADMIN, "Commands", 60)
        for update in updates:
            assert "failed" in await desk.settled(update)

        assert desk.effects() == before


def _halted():
    from workbench.domain.desk import DeskState

    return DeskState.HALTED


def _signed(line, chat):
    return signer_for(TOKEN).data(Button("x", "ask", "line", line), chat) or "x"


class _Shown:
    def __init__(self, chat):
        self.chat, self.number, self.text, self.thread = chat, 1, "x", 0


async def test_a_webhook_hears_only_who_knows_the_secret(tmp_path):
    async with telegram_desk(tmp_path, webhook_url="http://127.0.0.1:1", webhook_port=0) as desk:
        address, secret = desk.telegram.wire.address, desk.telegram.wire._secret
        assert desk.server.webhook == f"http://127.0.0.1:1{PATH}"
        assert desk.server.secret == secret
        before = desk.effects()
        chat = {"id": ADMIN, "type": "private"}
        sender = {"id": ADMIN, "is_bot": False, "first_name": "Ann"}
        stamp = int(datetime.now(UTC).timestamp())

        def update(number, line):
            message = {"message_id": 1, "date": stamp, "chat": chat, "from": sender, "text": line}
            return {"update_id": number, "message": message}

        async with aiohttp.ClientSession() as session:
            for number, headers in enumerate(
                [{}, {SECRET_HEADER: ""}, {SECRET_HEADER: secret[:-1]}, {SECRET_HEADER: "x"}]
            ):
                for spec in EFFECTS:
                    async with session.post(address, json=update(number, spec.example), headers=headers) as answer:
                        assert answer.status == 401
            assert desk.effects() == before
            right = {SECRET_HEADER: secret}
            for body in (b"{", b"[]", b"\xff"):
                async with session.post(address, data=body, headers=right) as answer:
                    assert answer.status == 400
            async with session.post(address, json=update(50, "/pause trend"), headers=right) as answer:
                assert answer.status == 200
            assert await desk.settled(50) == "done"

        assert desk.bots["trend"].acts == {"pause": 1}


async def test_telegram_calls_the_webhook_until_it_is_acknowledged(tmp_path):
    async with telegram_desk(tmp_path, webhook_url="http://127.0.0.1:1", webhook_port=0) as desk:
        desk.server.webhook = desk.telegram.wire.address

        update = await desk.server.say(OPERATOR, "/pause trend")

        assert await desk.settled(update) == "done"
        await desk.server.until(lambda: not desk.server.pending)
