"""The files a user meets first say what is true."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from workbench.settings import Settings

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def setting_names(model: type[BaseModel], prefix: str = ""):
    for name, field in model.model_fields.items():
        shown = prefix + (field.alias or name)
        yield shown
        inner = [
            kind for kind in (field.annotation, *getattr(field.annotation, "__args__", ())) if isinstance(kind, type)
        ]
        for kind in inner:
            if issubclass(kind, BaseModel):
                yield from setting_names(kind, f"{shown}.")


def test_every_setting_is_documented():
    documented = set(re.findall(r"^\| `([\w.]+)` \|", (ROOT / "docs/settings.md").read_text(), re.MULTILINE))

    values = {"conflicts", "exchange", "page", "research", "halt", "triggers", "limits", "telegram", "forecasts"}
    sections = {*values, "learning", "compute"}
    assert documented == set(setting_names(Settings)) - sections


def test_the_conda_environment_is_in_step_with_the_package():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    plain = [line for line in environment["dependencies"] if isinstance(line, str)]
    by_pip = next(line["pip"] for line in environment["dependencies"] if isinstance(line, dict))

    assert f"python{PROJECT['requires-python']}" in plain
    assert by_pip == ["-e .[test]"]


def test_the_lock_pins_what_make_installs_by_hash_and_names_no_address():
    lock = (ROOT / "requirements.lock").read_text()
    pinned = {re.sub(r"[-_.]+", "-", name).lower() for name in re.findall(r"^([\w.-]+)==", lock, re.MULTILINE)}
    wanted = [
        *PROJECT["dependencies"],
        *(line for extra in ("test", "check") for line in PROJECT["optional-dependencies"][extra]),
    ]
    names = {re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", line)[0]).lower() for line in wanted}

    assert names <= pinned
    assert "://" not in lock
    assert lock.count("--hash=sha256:") >= len(pinned)


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md"])
def test_links_in_the_first_pages_lead_somewhere(name):
    targets = re.findall(r"\]\((?!https?://|#)([^)#]+)", (ROOT / name).read_text())

    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_the_readme_keeps_its_promise_of_brevity():
    lines = (ROOT / "README.md").read_text().splitlines()

    assert len(lines) <= 150
