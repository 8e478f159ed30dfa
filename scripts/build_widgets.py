"""Bundle the page's modules and uPlot into one file that needs no network: `python scripts/build_widgets.py`.

Needs Node.js with npm. The bundle is committed; its first line holds the hash of its sources, and a test compares.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STATIC = ROOT / "workbench" / "widgets" / "static"
VENDOR = ROOT / "scripts" / "vendor"
BUNDLE = STATIC / "desk_panel.bundle.js"


def source_hash() -> str:
    """One hash over everything that goes into the bundle."""
    digest = hashlib.sha256()
    for path in [*sorted((STATIC / "desk").glob("*.js")), VENDOR / "package-lock.json"]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def build() -> None:
    if not (VENDOR / "node_modules" / "esbuild").exists():
        subprocess.run(["npm", "ci", "--ignore-scripts", "--silent"], cwd=VENDOR, check=True)
    uplot = VENDOR / "node_modules" / "uplot"
    command = [
        str(VENDOR / "node_modules" / ".bin" / "esbuild"),
        str(STATIC / "desk" / "main.js"),
        *("--bundle", "--format=esm", "--minify", "--target=es2022", "--charset=utf8", "--log-level=warning"),
        f"--alias:uplot={uplot / 'dist' / 'uPlot.esm.js'}",
    ]
    bundled = subprocess.run(command, capture_output=True, check=True, text=True, encoding="utf-8").stdout
    credit = "/*! uPlot (c) Leon Sorokin, MIT licence: see vendor/uPlot.LICENSE */"
    BUNDLE.write_text(f"// sources {source_hash()}\n{credit}\n{bundled}", encoding="utf-8")
    shutil.copy(uplot / "dist" / "uPlot.min.css", STATIC / "vendor" / "uPlot.min.css")
    shutil.copy(uplot / "LICENSE", STATIC / "vendor" / "uPlot.LICENSE")
    sys.stdout.write(f"{BUNDLE.relative_to(ROOT)}: {BUNDLE.stat().st_size / 1000:.0f} kB\n")


if __name__ == "__main__":
    build()
