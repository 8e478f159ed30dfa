"""A child inherits what it needs and no more: for every secret of the desk × every kind of child."""

import pytest

from workbench.ledger.secret_names import environment_for

DOORS = {
    "WORKBENCH_TELEGRAM_TOKEN": "1:canary",
    "WORKBENCH_PAGE_TOKEN": "canary",
    "WORKBENCH_PAGE_PASSWORD_HASH": "argon2:canary",
    "WORKBENCH_PAGE_KERNEL_KEY": "canary",
    "FREQTRADE__EXCHANGE__SECRET": "canary",
    "GRID_EXCHANGE_KEY": "canary",
    "GRID_EXCHANGE_SECRET": "canary",
}
DESKS = {
    "WORKBENCH_BOT_TOKEN": "canary",
    "WORKBENCH_FREQTRADE_PASSWORD": "canary",
    "WORKBENCH_LEDGER": "postgresql://user:canary@host/db",
    "MY_GRID": "canary",
}
OTHERS = {
    "PATH": "/usr/bin",
    "WORKBENCH_HOME": ".workbench",
    "WORKBENCH_TELEGRAM__ADMINS": "[1]",
    "WORKBENCH_PAGE__PORT": "0",
    "AWS_SECRET_ACCESS_KEY": "the lake's, which every reader of candles needs",
    "HTTPS_PROXY": "http://user:of-the-machine@proxy:1",
}
ALL = DOORS | DESKS | OTHERS


@pytest.mark.parametrize("name", ALL)
def test_who_asks_no_bot_inherits_no_secret_of_ours(name):
    assert (name in environment_for(ALL, named=["MY_GRID"])) == (name in OTHERS)


@pytest.mark.parametrize("name", ALL)
def test_who_asks_bots_inherits_what_opens_them_but_not_page_chat_or_exchange(name):
    assert (name in environment_for(ALL, True, ["MY_GRID"])) == (name not in DOORS)


def test_a_ledger_without_a_password_is_no_secret():
    assert environment_for({"WORKBENCH_LEDGER": "ledger.sqlite"}) == {"WORKBENCH_LEDGER": "ledger.sqlite"}
