"""Bundle each widget's modules and libraries into one file that needs no network: `python scripts/build_widgets.py`.

Needs Node.js with npm. The bundles are committed; the first line of each holds the hash of its sources, and a test
compares.
"""

import hashlib
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STATIC = ROOT / "workbench" / "widgets" / "static"
VENDOR = ROOT / "scripts" / "vendor"
MODULES = VENDOR / "node_modules"


@dataclass(frozen=True)
class Bundle:
    """`folder`/main.js with its library, if any. shared: modules of other folders that it imports. kept: files of the
    library that are copied beside it, by the name they get. form: "esm" for a widget's module, "iife" for what a page
    runs at once."""

    name: str
    folder: str
    alias: str
    credit: str
    kept: dict[str, str]
    shared: tuple[str, ...] = ()
    form: str = "esm"

    @property
    def path(self) -> Path:
        return STATIC / f"{self.name}.bundle.js"


BUNDLES = (
    Bundle(
        "desk_panel",
        "desk",
        "uplot=uplot/dist/uPlot.esm.js",
        "uPlot (c) Leon Sorokin, MIT licence: see vendor/uPlot.LICENSE",
        {"uplot/dist/uPlot.min.css": "uPlot.min.css", "uplot/LICENSE": "uPlot.LICENSE"},
    ),
    Bundle(
        "candle_panel",
        "candles",
        "lightweight-charts=lightweight-charts/dist/lightweight-charts.production.mjs",
        "Lightweight Charts (c) TradingView, Inc., Apache-2.0: see vendor/lightweight-charts.LICENSE and .NOTICE",
        {"lightweight-charts/LICENSE": "lightweight-charts.LICENSE"},
        ("desk/dom.js", "desk/format.js"),
    ),
    Bundle(
        "pattern_lab",
        "lab",
        "lightweight-charts=lightweight-charts/dist/lightweight-charts.production.mjs",
        "Lightweight Charts (c) TradingView, Inc., Apache-2.0: see vendor/lightweight-charts.LICENSE and .NOTICE",
        {},
        (
            "desk/dom.js",
            "desk/format.js",
            "desk/table.js",
            "desk/csv.js",
            "desk/files.js",
            "candles/look.js",
            "candles/places.js",
        ),
    ),
    Bundle(
        "command_bar",
        "bar",
        "",
        "The page's own modules; no library",
        {},
        (
            "desk/ask.js",
            "desk/csv.js",
            "desk/dom.js",
            "desk/files.js",
            "desk/format.js",
            "desk/offers.js",
            "desk/reply.js",
            "desk/table.js",
        ),
    ),
    Bundle("page_client", "page", "", "The page's own modules; no library", {}, form="iife"),
)


def source_hash(bundle: Bundle = BUNDLES[0]) -> str:
    """One hash over everything that goes into a bundle."""
    digest = hashlib.sha256()
    modules = sorted((STATIC / bundle.folder).glob("*.js"))
    for path in [*modules, *(STATIC / name for name in bundle.shared), VENDOR / "package-lock.json"]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def build(bundle: Bundle) -> None:
    library, _, where = bundle.alias.partition("=")
    alias = [f"--alias:{library}={MODULES / where}"] if library else []
    command = [
        str(MODULES / ".bin" / "esbuild"),
        str(STATIC / bundle.folder / "main.js"),
        *("--bundle", f"--format={bundle.form}", "--minify", "--target=es2022", "--charset=utf8"),
        *("--log-level=warning", *alias),
    ]
    bundled = subprocess.run(command, capture_output=True, check=True, text=True, encoding="utf-8").stdout
    text = f"// sources {source_hash(bundle)}\n/*! {bundle.credit} */\n{bundled}"
    bundle.path.write_text(text, encoding="utf-8")
    for library_file, kept_as in bundle.kept.items():
        shutil.copy(MODULES / library_file, STATIC / "vendor" / kept_as)
    sys.stdout.write(f"{bundle.path.relative_to(ROOT)}: {bundle.path.stat().st_size / 1000:.0f} kB\n")


if __name__ == "__main__":
    if not all((MODULES / name).exists() for name in ("esbuild", "uplot", "lightweight-charts")):
        subprocess.run(["npm", "ci", "--ignore-scripts", "--silent"], cwd=VENDOR, check=True)
    for each in BUNDLES:
        build(each)
