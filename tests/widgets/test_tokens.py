"""The tokens are readable, stable, and say what UI.md says."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.widgets import tokens

THEMES = [tokens.themed(name, pair) for name in tokens.THEMES for pair in tokens.PAIRS]
IDS = [f"{name} {pair}" for name in tokens.THEMES for pair in tokens.PAIRS]


def test_contrast_agrees_with_known_ratios():
    assert tokens.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert tokens.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", THEMES, ids=IDS)
def test_every_text_is_readable_on_every_ground(theme):
    poor = {
        (ink, ground): round(tokens.contrast(colour, ground), 2)
        for ink, colour in theme.inks.items()
        for ground in theme.grounds
        if tokens.contrast(colour, ground) < tokens.READABLE
    }

    assert poor == {}
    assert tokens.contrast(theme.on_halt, theme.halt) >= tokens.READABLE


@pytest.mark.parametrize("colour", tokens.BOT_COLOURS)
def test_a_bots_line_is_visible_on_both_grounds(colour):
    assert tokens.contrast(colour.dark, tokens.DARK.panel) >= tokens.VISIBLE
    assert tokens.contrast(colour.light, tokens.LIGHT.panel) >= tokens.VISIBLE


def test_bot_colours_are_distinct_and_never_mean_gain_loss_or_halt():
    shades = [shade for colour in tokens.BOT_COLOURS for shade in (colour.dark, colour.light)]
    reserved = {c for theme in THEMES for c in (theme.up, theme.down, theme.halt, theme.warning)}

    assert len(set(shades)) == len(shades)
    assert not reserved & set(shades)
    assert not reserved & {shade for tint in tokens.REGIMES.values() for shade in (tint.dark, tint.light)}


def test_a_bots_colour_is_the_same_in_another_process():
    ask = (
        "from workbench.widgets.tokens import bot_colour; import sys; sys.stdout.write(bot_colour('my-freqtrade').dark)"
    )

    said = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True).stdout

    assert said == tokens.bot_colour("my-freqtrade").dark


@given(st.text())
def test_every_id_has_a_colour(bot_id):
    assert tokens.bot_colour(bot_id) in tokens.BOT_COLOURS


def test_the_halt_colour_is_used_for_nothing_else():
    for theme in THEMES:
        assert list(vars_of(theme).values()).count(theme.halt) == 1


def vars_of(theme):
    return {name: getattr(theme, name) for name in theme.__dataclass_fields__}


def test_css_variables_cover_both_themes_and_pairs():
    css = tokens.css_variables(".wb")

    assert css.count("--wb-ground: #0f141b") == 4
    assert '.wb[data-pair="blue-orange"][data-theme="light"]' in css
    assert css.count("{") == css.count("}")


def test_the_altair_theme_draws():
    altair = pytest.importorskip("altair")
    tokens.enable_altair("dark")

    spec = altair.Chart({"values": [{"x": 1}]}).mark_point().encode(x="x:Q").to_dict()

    altair.theme.enable("default")
    assert spec["config"]["background"] == tokens.DARK.panel
