"""Secrets are found in whatever way programs usually write them."""

import base64
import html
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.integrations.scrub import HIDDEN, Scrubber, secrets_of
from workbench.ledger.secret_names import is_secret

WAYS = [
    str,
    repr,
    json.dumps,
    html.escape,
    quote,
    lambda s: base64.b64encode(s.encode()).decode(),
    lambda s: s.encode().hex(),
]
SECRETS = st.text(st.characters(codec="utf-8", exclude_characters="\0•"), min_size=8, max_size=30)


@given(SECRETS, st.sampled_from(WAYS), st.sampled_from([str, json.dumps, html.escape, repr]))
def test_a_secret_is_found_however_it_is_written(secret, once, again):
    written = again(f"before {once(secret)} after")

    cleaned = Scrubber([secret]).clean(written)

    assert HIDDEN in cleaned
    assert secret not in cleaned


@given(st.text(max_size=50))
def test_text_without_a_secret_stays_as_it_is(text):
    assert Scrubber([]).clean(text) == text
    assert Scrubber(["short"]).clean(text) == text


def test_the_longer_of_two_secrets_goes_whole():
    assert Scrubber(["abcdef", "abcdefghij"]).clean("x abcdefghij y") == f"x {HIDDEN} y"


@pytest.mark.parametrize(
    "name",
    ["TELEGRAM_TOKEN", "AWS_SECRET_ACCESS_KEY", "BINANCE_API_KEY", "PGPASSWORD", "SSH_KEY", "GITHUB_PAT", "DB_DSN"],
)
def test_variables_named_like_a_secret_hold_one(name):
    assert is_secret(name)


@pytest.mark.parametrize("name", ["HOME", "PATH", "LANG", "KEYBOARD", "WORKBENCH_HOME"])
def test_other_variables_do_not(name):
    assert not is_secret(name)


def test_a_variable_that_the_settings_name_holds_a_secret_whatever_it_is_called():
    assert secrets_of({"GRID_PW": "hunter2hunter", "OTHER": "nothing here"}, named=["GRID_PW"]) == {"hunter2hunter"}


def test_tokens_of_the_running_desk_and_passwords_in_addresses_are_known(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "desk.json").write_text(json.dumps({"pid": 12345678, "bot_token": "bot-token-1"}))
    environment = {"WORKBENCH_LEDGER": "postgresql://ann:hunter%40two@db/desk", "PLAIN": "nothing here"}

    found = secrets_of(environment, tmp_path)

    assert found == {"bot-token-1", "hunter%40two", "hunter@two"}
