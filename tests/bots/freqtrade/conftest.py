"""One market and a few real Freqtrades for all tests here: each costs ten seconds to start, so they are shared.

`steady` trades on a market that works. `stormy` has a market of its own, whose turnstile its tests close. Tests leave a
bot as they found it: running, unlocked.
"""

import pytest

from tests.support.freqtrade_env import python_or_skip
from tests.support.freqtrade_rig import Freq, Market, Outage

FORCED = {"force_entry_enable": True}


@pytest.fixture(scope="package")
def python():
    return python_or_skip()


@pytest.fixture(scope="package")
def market(python):
    made = Market()
    yield made
    made.stop()


@pytest.fixture(scope="package")
def storm(python):
    made = Market()
    yield made
    made.stop()


@pytest.fixture(scope="package")
def started(python, market, storm, tmp_path_factory):
    """Both bots, started side by side."""
    home = tmp_path_factory.mktemp("freqtrade")
    steady = Freq(python, home / "steady", market, "steady", changes=FORCED)
    stormy = Freq(python, home / "stormy", storm, "stormy", changes=FORCED)
    bots = [steady.start(), stormy.start()]
    try:
        yield [bot.ready() for bot in bots]
    finally:
        for bot in bots:
            bot.stop()


@pytest.fixture(scope="package")
def steady(started):
    return started[0]


@pytest.fixture(scope="package")
def outage(python, started, tmp_path_factory):
    """A third market and bot, whose exchange goes away as soon as it holds something; watched in a thread from then on.
    Its test comes last: three bars of a minute have passed by then."""
    made = Outage(python, tmp_path_factory.mktemp("outage"))
    yield made
    made.stop()


@pytest.fixture(scope="package")
def stormy(started):
    return started[1]
