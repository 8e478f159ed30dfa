"""The floor plan, held: imports point down, rooms on one storey are strangers, pure modules stay pure."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
STOREYS = [
    {"domain"},
    {"settings", "owned_task", "compute"},
    {"market", "ledger", "quant"},
    {"bots"},
    {"orchestration", "visual"},
    {"commands"},
    {"widgets"},
    {"dashboard", "integrations"},
    {"bootstrap", "cli", "bench", "__main__"},
]
FLOOR = {room: floor for floor, rooms in enumerate(STOREYS) for room in rooms}
TOP = len(STOREYS) - 1
PURE = [
    "domain",
    "quant",
    "commands/grammar.py",
    "market/timeframes.py",
    "market/bar_watch.py",
    "market/pending_bars.py",
    "market/paper_exchange/matching.py",
    "market/paper_exchange/accounts.py",
    "market/paper_exchange/engine.py",
    "market/paper_exchange/books.py",
    "market/paper_exchange/markets.py",
    "market/paper_exchange/views.py",
    "market/paper_exchange/clock.py",
]
IMPURE_IMPORTS = {
    *("asyncio", "threading", "socket", "subprocess", "random", "time", "os", "pathlib", "logging"),
    *("aiohttp", "httpx", "ccxt", "sqlalchemy", "structlog", "requests"),
}
IMPURE_CALLS = {"now", "utcnow", "today", "open", "urandom", "default_rng"}
MODULES = sorted((ROOT / "workbench").rglob("*.py"))


def room_of(path: Path) -> str:
    return path.relative_to(ROOT / "workbench").parts[0].removesuffix(".py")


def imported(tree: ast.AST) -> set[str]:
    """Every module a file imports: deferred and TYPE_CHECKING imports included."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import at line {node.lineno}; write it in full"
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def offences(room: str, names: set[str]) -> list[str]:
    found = []
    for name in sorted(names):
        target = [*name.split("."), ""][1] if name.startswith("workbench.") else ""
        if target not in FLOOR or target == room:
            continue
        if FLOOR[target] >= FLOOR[room] and FLOOR[room] != TOP:
            found.append(f"{room} (storey {FLOOR[room] + 1}) imports {name} (storey {FLOOR[target] + 1})")
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_down(path):
    tree, room = ast.parse(path.read_text()), room_of(path)
    if room == "__init__":
        return

    assert room in FLOOR, f"{room} stands on no storey; add it to the plan in DESIGN and here"
    assert offences(room, imported(tree)) == []


def test_a_wrong_import_would_be_caught():
    tree = ast.parse("def f():\n    from workbench.orchestration import command_center")

    assert offences("market", imported(tree))
    assert offences("ledger", {"workbench.market.lake"})
    assert not offences("bots", {"workbench.market.lake", "numpy"})


def pure_files():
    for name in PURE:
        path = ROOT / "workbench" / name
        yield from sorted(path.rglob("*.py")) if path.is_dir() else ([path] if path.exists() else [])


@pytest.mark.parametrize("path", list(pure_files()), ids=lambda p: str(p.relative_to(ROOT)))
def test_pure_modules_have_no_clock_chance_wire_or_loop(path):
    tree = ast.parse(path.read_text())
    calls = {
        node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
    }

    assert not {name.split(".")[0] for name in imported(tree)} & IMPURE_IMPORTS
    assert not calls & IMPURE_CALLS


NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.skipif(not NOTEBOOKS, reason="no notebooks yet")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
def test_notebooks_are_thin_and_stripped(path):
    import json

    cells = [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]

    assert len(cells) <= 12
    for cell in cells:
        source = "".join(cell["source"])
        assert cell["outputs"] == []
        assert cell["execution_count"] is None
        assert len(source.splitlines()) <= 15
        plain = "\n".join(line for line in source.splitlines() if not line.startswith(("%", "!")))
        body = ast.parse(plain, mode="exec", type_comments=False) if "await" not in plain else None
        nodes = ast.walk(body) if body else ()
        assert not [n for n in nodes if isinstance(n, ast.FunctionDef | ast.ClassDef | ast.Try)]
