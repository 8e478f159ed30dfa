"""One path for heavy work: here without a cluster, on the workers of a real one where the settings name it."""

import json
import subprocess

import nbformat
import pytest

from tests.support.dask_env import ROOT, dask_python, environment
from workbench.compute import spread
from workbench.domain.errors import SettingsError, StartError
from workbench.settings import load_settings

SECRET = "canary-9f3a1c77"
LIMIT_S = 800  # a busy machine takes its time; nothing here is a test of speed
pytestmark = pytest.mark.timeout(LIMIT_S + 60)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    python, folder = dask_python(), tmp_path_factory.mktemp("cluster")
    cells = ["from workbench.integrations.headline import headline", 'headline(answer="42")']
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, folder / "answer.ipynb")
    job = '[[jobs]]\nname = "brief"\nnotebook = "answer.ipynb"\ncron = "0 0 1 1 *"\n'
    (folder / "workbench.toml").write_text(job)
    argv = [str(python), "-m", "tests.support.dask_cluster", str(folder)]
    env = environment() | {"BOT_TOKEN": SECRET}
    done = subprocess.run(argv, capture_output=True, text=True, timeout=LIMIT_S, cwd=ROOT, env=env, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.dask
@pytest.mark.slow
def test_work_goes_to_the_workers_and_comes_back_in_order(found):
    assert found["squares"] == [number**2 for number in range(20)]
    assert found["elsewhere"]
    assert found["broken"] == "ValueError: no 7"
    assert found["gone"].startswith("StartError: no Dask scheduler answers at tcp://127.0.0.1:9")


@pytest.mark.dask
@pytest.mark.slow
def test_searches_and_scans_come_to_the_same_there(found):
    assert found["same_search"]
    assert found["same_scan"]
    assert found["seen"][0] > 0


@pytest.mark.dask
@pytest.mark.slow
def test_a_scheduled_notebook_runs_there_once_and_is_told(found):
    (run,) = found["runs"]
    assert run[0] == "done", run
    assert run[2] == {"answer": "42"}
    assert len(found["told"]) == 1


def test_without_a_cluster_work_is_done_here_in_order():
    assert spread(lambda number: number + 1, range(5)) == [1, 2, 3, 4, 5]
    with pytest.raises(ZeroDivisionError):
        spread(lambda number: 1 // number, [1, 0])


def test_without_dask_it_is_said_what_to_install():
    with pytest.raises(StartError, match=r"pip install 'workbench\[dask\]'"):
        spread(abs, [1], "tcp://127.0.0.1:8786")


def test_a_scheduler_is_an_address(tmp_path):
    file = tmp_path / "workbench.toml"
    file.write_text('[compute]\nscheduler = "localhost"\n')

    with pytest.raises(SettingsError, match="compute"):
        load_settings(file)
