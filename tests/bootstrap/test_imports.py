"""What every viewer's kernel and every `workbench ask` pays for: nothing that only some of them need."""

import subprocess
import sys

HEAVY = {"ccxt", "pandas", "pyarrow", "scipy", "sklearn", "numba", "altair", "statsmodels"}


def test_connecting_imports_nothing_heavy():
    code = "import sys, workbench.bootstrap.connection; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert HEAVY & set(loaded) == set()
