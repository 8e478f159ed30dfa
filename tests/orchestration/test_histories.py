"""Duplicates, reorders, deaths between receive and act. `workbench bench fanout` plays 2,000 and 100 of these."""

from datetime import UTC, datetime, timedelta

import pytest

from workbench.bench import histories, switches
from workbench.bench.counting import Effect, FencedBot

HISTORIES, SWITCHES = 60, 3


@pytest.mark.slow
async def test_no_history_gives_a_command_a_second_effect(tmp_path):
    played = await histories.play(HISTORIES, tmp_path, seed=7)

    assert [words for each in played for words in each.broken] == []
    assert max(each.most for each in played) == 1
    assert sum(each.deaths for each in played) >= HISTORIES / 4  # or nothing was tested


@pytest.mark.slow
async def test_a_desk_frozen_past_its_lease_has_no_effect_when_it_wakes(tmp_path):
    switched = await switches.play(SWITCHES, tmp_path)

    assert switched.effects > SWITCHES
    assert (switched.old_token_effects, switched.late_effects) == (0, 0)
    assert (switched.repeated, switched.unfinished) == (0, 0)


def test_the_counts_would_see_an_effect_under_an_old_token():
    bot, now = FencedBot(), datetime.now(UTC)
    bot.accepted += [Effect(f"c{token}", token, now) for token in (1, 2, 1, 3)]

    assert bot.out_of_order() == 1
    assert switches.late_effects(bot, [(1, now), (2, now - timedelta(seconds=1)), (3, now)]) == 2
