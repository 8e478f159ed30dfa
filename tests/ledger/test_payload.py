"""What may enter the ledger."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.errors import LedgerError
from workbench.ledger import payload

plain_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
whole = st.integers(-(2**63), 2**63 - 1)
leaves = st.none() | st.booleans() | whole | st.floats(allow_nan=False, allow_infinity=False) | plain_text
keys = plain_text.filter(lambda key: not payload.looks_secret(key))
values = st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(keys, inner), max_leaves=20)


@given(values)
def test_plain_json_comes_back_as_it_went_in(value):
    back = payload.decode(payload.encode(payload.plain(value, "value")))

    assert back == value
    assert repr(back) == repr(value)  # 1 is not 1.0, and -0.0 is not 0.0


@given(values)
def test_what_is_stored_is_json_to_everybody(value):
    assert json.loads(payload.encode(payload.plain(value, "value"))) == value


@pytest.mark.parametrize(
    "key",
    [
        "token",
        "secret",
        "password",
        "apiKey",
        "api_key",
        "API-KEY",
        "botToken",
        "bot_token",
        "BOT_TOKEN",
        "apiSecret",
        "clientSecret",
        "privateKey",
        "Authorization",
        "listenKey",
        "passphrase",
        "credentials",
        "accessToken",
        "refresh_token",
        "dbPassword",
        "x_api_key",
        "jwt",
        "APIKEY",
    ],
)
def test_keys_that_name_a_credential_are_refused(key):
    with pytest.raises(LedgerError, match="looks like a secret; secrets never enter the ledger"):
        payload.document({"deep": [{key: "hunter2"}]}, "payload")


@pytest.mark.parametrize(
    "key",
    [
        "symbol",
        "keyboard",
        "tokenized",
        "secretary",
        "monkey",
        "apikeyless",
        "passed",
        "author",
        "keys",
        "key",
        "fill_id",
        "public_key",
    ],
)
def test_keys_that_only_look_a_little_like_one_are_not(key):
    assert payload.document({key: "x"}, "payload") == {key: "x"}


def test_a_fencing_token_is_a_number_and_no_secret():
    assert payload.document({"token": 7, "lease_token": 8}, "payload") == {"token": 7, "lease_token": 8}
    with pytest.raises(LedgerError):
        payload.document({"token": "7"}, "payload")
    with pytest.raises(LedgerError):
        payload.document({"password": 7}, "payload")


def test_the_secret_itself_is_not_in_the_message():
    with pytest.raises(LedgerError) as refusal:
        payload.document({"api_key": "hunter2"}, "payload")

    assert "hunter2" not in str(refusal.value)


def test_endless_nesting_is_refused():
    value: list = []
    value.append(value)

    with pytest.raises(LedgerError, match="nested deeper than"):
        payload.plain(value, "payload")


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_none_are_refused_by_name(number):
    with pytest.raises(LedgerError, match=r"payload\.fills\[1\]\.price is"):
        payload.document({"fills": [{}, {"price": number}]}, "payload")


def test_numpy_floats_are_floats_and_numpy_integers_are_told():
    import numpy as np

    assert payload.document({"a": np.float64(1.5)}, "payload") == {"a": 1.5}
    with pytest.raises(LedgerError, match="is a int64"):
        payload.document({"a": np.int64(1)}, "payload")


def test_a_payload_is_an_object():
    with pytest.raises(LedgerError, match="must be a JSON object, got list"):
        payload.document([1], "payload")
