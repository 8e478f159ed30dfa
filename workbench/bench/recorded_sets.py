"""The eight labelled sets inside aeon's wheel, read as text: windows (n, channels, bars) and classes, in two parts."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workbench.bench.peer_env import AEON, AEON_OPTIONS, peer_python

NAMES = (
    *("ACSF1", "ArrowHead", "GunPoint", "ItalyPowerDemand"),
    *("OSULeaf", "PickupGestureWiimoteZ", "BasicMotions", "JapaneseVowels"),
)


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """windows: list of (channels, bars), bars may differ; classes: (n,) text."""

    windows: list[np.ndarray]
    classes: np.ndarray


def folder() -> Path | None:
    """Where the sets are; None where aeon cannot be had here."""
    python = peer_python(AEON, AEON_OPTIONS)
    found = sorted(python.parents[1].glob("**/aeon/datasets/data")) if python else []
    return found[0] if found else None


def read(root: Path, name: str) -> tuple[Part, Part]:
    """The train and test parts of a set, as its authors split it."""
    train, test = (_part(root / name / f"{name}_{part}.ts") for part in ("TRAIN", "TEST"))
    return train, test


def _part(path: Path) -> Part:
    windows, classes = [], []
    lines = iter(path.read_text(encoding="utf-8", errors="replace").splitlines())
    for line in lines:
        if line.strip().lower() == "@data":
            break
    for line in lines:
        if line.strip():
            *channels, label = line.strip().split(":")
            windows.append(np.array([[float(v) for v in channel.split(",")] for channel in channels]))
            classes.append(label)
    return Part(windows, np.array(classes))
