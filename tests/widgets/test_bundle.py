"""The bundle is what its sources say, and brings everything along."""

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "workbench" / "widgets" / "static"
SOURCES = sorted(path for folder in ("desk", "candles", "lab", "page") for path in (STATIC / folder).glob("*.js"))
BUILD = runpy.run_path(str(ROOT / "scripts" / "build_widgets.py"))


@pytest.mark.parametrize("bundle", BUILD["BUNDLES"], ids=lambda bundle: bundle.name)
def test_the_bundle_was_built_from_these_sources(bundle):
    first = bundle.path.read_text(encoding="utf-8").splitlines()[0]

    assert first == f"// sources {BUILD['source_hash'](bundle)}", "run: python scripts/build_widgets.py"


def test_what_a_page_runs_at_once_can_stand_in_it_as_it_is():
    text = (STATIC / "page_client.bundle.js").read_text(encoding="utf-8")

    assert "</script" not in text.casefold()
    assert "<!--" not in text
    assert len(text) < 10_000


def test_the_lock_names_no_registry():
    lock = (ROOT / "scripts" / "vendor" / "package-lock.json").read_text()

    assert "resolved" not in lock
    assert "http" not in lock
    assert lock.count('"integrity"') >= 2


def test_what_is_bundled_carries_its_licence():
    vendor = STATIC / "vendor"

    assert "MIT" in (vendor / "uPlot.LICENSE").read_text()
    assert "Apache License" in (vendor / "lightweight-charts.LICENSE").read_text()
    assert "TradingView" in (vendor / "lightweight-charts.NOTICE").read_text()
    assert "Permission is hereby granted" in (vendor / "fancy-canvas.LICENSE").read_text()
    assert "attributionLogo: true" in (STATIC / "candles" / "look.js").read_text()


@pytest.mark.parametrize("path", [*SOURCES, *sorted(STATIC.glob("*.css"))], ids=lambda path: path.name)
def test_nothing_is_fetched_and_nothing_is_parsed_as_markup(path):
    text = path.read_text(encoding="utf-8")

    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\(|new Function", text
    )
    assert not re.search(r"https?://|@import|url\(", text)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_modules_stay_small(path):
    assert len(path.read_text().splitlines()) <= 300
