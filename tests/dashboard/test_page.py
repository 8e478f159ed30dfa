"""The page's server: one ready line or one clear sentence, capped kernels, none left behind, this machine only."""

import re
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.page_server import ROOT, PageServer

KERNEL_ID = re.compile(r'"kernelId": "([0-9a-f-]{36})"')


def until(condition, timeout_s=20.0):
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def run_page(*args):
    argv = [sys.executable, "-m", "workbench.dashboard.page", *args]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=60)


@pytest.fixture(scope="module")
def cold():
    """Room for two viewers, no kernel in advance."""
    with PageServer("--port", "0", "--heated", "0", "--viewers", "2") as page:
        yield page


def test_a_taken_port_is_one_sentence():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        ended = run_page("--port", str(port))

    assert ended.returncode == 1
    assert ended.stdout == ""
    (line,) = ended.stderr.strip().splitlines()
    assert line.startswith(f"workbench: page: port {port} is taken; choose another")


def test_a_missing_notebook_is_one_sentence():
    ended = run_page("--port", "0", "--notebook", "nowhere.ipynb")

    assert ended.returncode == 1
    (line,) = ended.stderr.strip().splitlines()
    assert "there is no notebook at" in line


def test_two_viewers_fit_the_third_is_told_and_leaving_makes_room(cold):
    first, second = cold.get(), cold.get()

    status, headers, words = cold.get()

    assert (first[0], second[0], status) == (200, 200, 503)
    assert "The page is full." in words
    assert headers["Retry-After"]
    assert len(cold.kernels()) == 2
    for _, _, html in (first, second):
        assert cold.post(f"voila/api/shutdown/{KERNEL_ID.search(html)[1]}", Origin=cold.url.rstrip("/"))[0] == 204
    until(lambda: not cold.kernels())


def test_of_many_who_come_at_once_as_many_as_fit_get_in_and_the_others_a_clear_page(cold):
    with ThreadPoolExecutor(6) as crowd:
        answers = list(crowd.map(lambda _: cold.get(), range(6)))

    let_in = [html for status, _, html in answers if status == 200]
    told = [html for status, _, html in answers if status == 503]
    assert (len(let_in), len(told)) == (2, 4)
    assert all("The page is full." in html and "<script" not in html for html in told)
    assert len(cold.kernels()) == 2
    for html in let_in:
        cold.post(f"voila/api/shutdown/{KERNEL_ID.search(html)[1]}")
    until(lambda: not cold.kernels())


def test_whoever_reloads_at_a_full_house_finds_the_seat_just_left(cold):
    first, second = (KERNEL_ID.search(cold.get()[2])[1] for _ in range(2))

    assert cold.post(f"voila/api/shutdown/{second}")[0] == 204
    status, _, html = cold.get()

    assert status == 200
    for kernel_id in (first, KERNEL_ID.search(html)[1]):
        cold.post(f"voila/api/shutdown/{kernel_id}")
    until(lambda: not cold.kernels())


def test_a_kernel_is_not_ended_by_a_foreign_site(cold):
    html = cold.get()[2]
    path = f"voila/api/shutdown/{KERNEL_ID.search(html)[1]}"

    refused = cold.post(path, Origin="http://evil.example")[0]

    assert refused == 403
    assert len(cold.kernels()) == 1
    assert cold.post(path)[0] == 204
    until(lambda: not cold.kernels())


def test_a_browsers_guess_starts_no_kernel(cold):
    assert cold.get(Sec_Purpose="prefetch")[0] == 204
    assert cold.kernels() == []


def test_a_foreign_name_for_this_machine_is_refused(cold):
    assert cold.get(Host="evil.example")[0] == 403
    assert cold.kernels() == []


@pytest.mark.parametrize("path", ["voila/files/desk_page.ipynb", "voila/files/desk_page.py", "voila/api/contents/"])
def test_sources_are_not_served(cold, path):
    status, _, words = cold.get(path)

    assert status in (403, 404)
    assert "open_page" not in words
    assert cold.kernels() == []


def test_the_policy_lets_nothing_out_and_nothing_frame_it(cold):
    status, headers, html = cold.get()
    policy = headers["Content-Security-Policy"]

    assert status == 200
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'self'" in policy
    assert not re.search(r"(?:src|href)=[\"']?(?:https?:)?//", html)
    cold.post(f"voila/api/shutdown/{KERNEL_ID.search(html)[1]}")


def test_a_page_that_fails_shows_the_errors_own_words_as_text(tmp_path):
    import nbformat

    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell("raise ValueError('<img src=x onerror=fired> is wrong')")]
    )
    path = tmp_path / "fails.ipynb"
    nbformat.write(notebook, path)

    with PageServer("--port", "0", "--heated", "0", notebook=path) as page:
        html = page.get()[2]

    assert "This page could not be built." in html
    assert "&lt;img src=x onerror=fired&gt; is wrong" in html
    assert "Traceback" not in html


def test_it_ends_within_seconds_and_leaves_no_kernel():
    with PageServer("--port", "0", "--heated", "1") as page:
        until(page.kernels)
        page.get()
        kernels = page.kernels()
        page.process.terminate()
        page.process.wait(timeout=60)

    assert kernels
    until(lambda: not any(kernel.is_running() and kernel.status() != "zombie" for kernel in kernels))


def test_a_kernel_whose_page_went_without_a_word_falls_asleep_and_is_ended():
    with PageServer("--port", "0", "--heated", "0", "--cull", "3") as page:
        page.get("?lapse=1&every=0.1")
        assert len(page.kernels()) == 1

        until(lambda: not page.kernels(), 25)


def test_a_heated_kernel_may_wait_for_days():
    """A time limit on cells would count the wait for a viewer, and fail the page of the first who comes late."""
    from workbench.dashboard.page_settings import PageOptions
    from workbench.dashboard.voila_page import voila_config

    assert voila_config(PageOptions()).VoilaExecutor.timeout is None
