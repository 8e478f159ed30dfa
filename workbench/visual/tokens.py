"""Design tokens: every colour, size and typeface, once. Charts, widgets, pages, pictures and reports read them here.

Colours are '#rrggbb'. `up`/`down` fill shapes and are the same everywhere; `up_text`/`down_text` are their readable
twins for figures, at least 4.5:1 on every ground of the theme. `halt` is for stopping and for nothing else.
"""

from dataclasses import asdict, dataclass, replace
from functools import cache
from hashlib import blake2b
from typing import Any

SANS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Liberation Sans', Arial, sans-serif"
MONO = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'Liberation Mono', monospace"
BASE_PX, TABLE_PX, FIGURE_PX, GRID_PX, RADIUS_PX, MOTION_MS = 13, 12, 20, 4, 8, 120
READABLE = 4.5
VISIBLE = 3.0


@dataclass(frozen=True, slots=True)
class Theme:
    """One set of colours. Grounds from back to front: ground, panel, raised."""

    name: str
    ground: str
    panel: str
    raised: str
    line: str
    text: str
    muted: str
    accent: str
    accent_text: str
    up: str
    up_text: str
    down: str
    down_text: str
    warning: str
    warning_text: str
    halt: str = "#d92c2c"
    on_halt: str = "#ffffff"

    @property
    def grounds(self) -> tuple[str, str, str]:
        return self.ground, self.panel, self.raised

    @property
    def inks(self) -> dict[str, str]:
        """Every colour that text may have on a ground."""
        names = ("text", "muted", "accent_text", "up_text", "down_text", "warning_text")
        return {name: getattr(self, name) for name in names}


DARK = Theme(
    name="dark",
    ground="#0f141b",
    panel="#161d27",
    raised="#1d2632",
    line="#2a3645",
    text="#e6edf3",
    muted="#8b9bb0",
    accent="#4c9aff",
    accent_text="#6aabff",
    up="#2fb380",
    up_text="#3cc08d",
    down="#ef5b5b",
    down_text="#f47c7c",
    warning="#e5a50a",
    warning_text="#eab52f",
)
LIGHT = Theme(
    name="light",
    ground="#f7f8fa",
    panel="#ffffff",
    raised="#f0f3f6",
    line="#dfe4ea",
    text="#18202a",
    muted="#5b6b7f",
    accent="#4c9aff",
    accent_text="#1a63c4",
    up="#2fb380",
    up_text="#0d7350",
    down="#ef5b5b",
    down_text="#c22f2f",
    warning="#e5a50a",
    warning_text="#855b00",
)
THEMES = {theme.name: theme for theme in (DARK, LIGHT)}

_BLUE_ORANGE = {
    "dark": {"up": "#3b82f6", "up_text": "#6aa5ff", "down": "#f59e0b", "down_text": "#f5a524"},
    "light": {"up": "#3b82f6", "up_text": "#1d5fd0", "down": "#f59e0b", "down_text": "#8f5600"},
}
PAIRS = ("green-red", "blue-orange")


def themed(name: str = "dark", pair: str = "green-red") -> Theme:
    """The theme `name` ('dark', 'light') with gains and losses in `pair`; 'blue-orange' is for colour-blind eyes."""
    if name not in THEMES or pair not in PAIRS:
        raise KeyError(f"no theme {name!r} with pair {pair!r}; themes: {', '.join(THEMES)}; pairs: {', '.join(PAIRS)}")
    theme = THEMES[name]
    return replace(theme, **_BLUE_ORANGE[name]) if pair == "blue-orange" else theme


@dataclass(frozen=True, slots=True)
class BotColour:
    """One bot's colour on dark and on light grounds, at least 3:1 on both."""

    dark: str
    light: str


_HOUSE = {
    "trend": BotColour("#58a6ff", "#1f6feb"),
    "mean_reversion": BotColour("#b392f0", "#7c4dcc"),
    "breakout": BotColour("#f0a05a", "#b3541e"),
    "learning": BotColour("#39c5cf", "#0e7c86"),
}
_OTHERS = (
    BotColour("#f778ba", "#bf3989"),
    BotColour("#a5d86e", "#5a8a1c"),
    BotColour("#8c9eff", "#4051b5"),
    BotColour("#d9c36a", "#857016"),
    BotColour("#d58ce0", "#9032a0"),
    BotColour("#c9a58b", "#80573a"),
    BotColour("#7cc7ff", "#0b72b5"),
    BotColour("#a9b8c9", "#56677a"),
)
BOT_COLOURS = (*_HOUSE.values(), *_OTHERS)


@cache
def bot_colour(bot_id: str) -> BotColour:
    """The colour of a bot, from its id alone: the same on every page, picture and message, in every process.

    The research bots have their own four. Others share eight by a hash of the id, so two of them may look alike:
    colour never stands without the name.
    """
    if bot_id in _HOUSE:
        return _HOUSE[bot_id]
    digest = blake2b(bot_id.encode("utf-8", "surrogatepass"), digest_size=4).digest()
    return _OTHERS[int.from_bytes(digest, "big") % len(_OTHERS)]


REGIMES = {
    "calm": BotColour("#22384f", "#dceaf7"),
    "trending": BotColour("#2c2f55", "#e3e4fa"),
    "ranging": BotColour("#3a3524", "#f5efd8"),
    "turbulent": BotColour("#45293f", "#f7e0f0"),
    "unknown": BotColour("#232b36", "#eceff3"),
}


def luminance(colour: str) -> float:
    """Relative luminance of '#rrggbb' by WCAG 2.2, in [0, 1]."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """WCAG contrast ratio of two colours, in [1, 21]."""
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def css_variables(scope: str = ".wb") -> str:
    """CSS custom properties for `scope`: dark or light by the viewer's system, or forced by data-theme, data-pair."""
    sizes = {
        "sans": SANS,
        "mono": MONO,
        "base": f"{BASE_PX}px",
        "table": f"{TABLE_PX}px",
        "figure": f"{FIGURE_PX}px",
        "grid": f"{GRID_PX}px",
        "radius": f"{RADIUS_PX}px",
        "motion": f"{MOTION_MS}ms",
    }
    blocks = [_block(scope, sizes)]
    for pair in PAIRS:
        at = "" if pair == PAIRS[0] else f'[data-pair="{pair}"]'
        dark, light = (_properties(themed(name, pair)) for name in ("dark", "light"))
        blocks += [
            _block(f"{scope}{at}", dark),
            f"@media (prefers-color-scheme: light) {{ {_block(f'{scope}{at}', light)} }}",
            *(_block(f'{scope}{at}[data-theme="{n}"]', p) for n, p in (("dark", dark), ("light", light))),
        ]
    return "\n".join(blocks)


def _properties(theme: Theme) -> dict[str, str]:
    return {"color-scheme": theme.name} | {k.replace("_", "-"): v for k, v in asdict(theme).items() if k != "name"}


def _block(selector: str, properties: dict[str, str]) -> str:
    lines = (f"{name if name == 'color-scheme' else f'--wb-{name}'}: {value};" for name, value in properties.items())
    return f"{selector} {{ {' '.join(lines)} }}"


def altair_theme(name: str = "dark", pair: str = "green-red") -> dict[str, Any]:
    """A Vega-Lite configuration in these colours, for altair.theme.register."""
    theme = themed(name, pair)
    shades = [getattr(colour, name) for colour in BOT_COLOURS]
    axis = {
        "domainColor": theme.line,
        "gridColor": theme.line,
        "gridOpacity": 0.6,
        "tickColor": theme.line,
        "labelColor": theme.muted,
        "titleColor": theme.muted,
        "labelFontSize": TABLE_PX - 1,
        "titleFontSize": TABLE_PX,
        "titleFontWeight": "normal",
    }
    config = {
        "background": theme.panel,
        "font": SANS,
        "view": {"stroke": "transparent"},
        "axis": axis,
        "legend": {"labelColor": theme.text, "titleColor": theme.muted, "labelFontSize": TABLE_PX},
        "title": {"color": theme.text, "subtitleColor": theme.muted, "fontSize": BASE_PX + 1, "anchor": "start"},
        "range": {"category": shades, "diverging": [theme.down, theme.raised, theme.up]},
        "mark": {"color": theme.accent},
    }
    return {"config": config}


def enable_altair(name: str = "dark", pair: str = "green-red") -> None:
    """Make `altair_theme` the theme of every Altair chart of this process."""
    import altair  # a second of imports that a page without Altair need not pay

    config = altair.theme.ThemeConfig(**altair_theme(name, pair))  # type: ignore[typeddict-item]
    altair.theme.register(f"workbench-{name}", enable=True)(lambda: config)
