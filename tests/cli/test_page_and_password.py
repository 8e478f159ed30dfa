"""`workbench password` and `workbench page` in a terminal of their own."""

import os
import pty
import subprocess
import sys

from tests.support.main_job import environment, until, workbench
from workbench.bootstrap.run_file import DeskRun, write_run
from workbench.commands.spec import Role
from workbench.dashboard.passwords import Login, matches, people_of

PASSWORD = "canary password"


def typed(home, *words, lines):
    """Run `workbench WORDS` at a terminal and type `lines`, each once the terminal asks for it."""
    master, slave = pty.openpty()
    argv = [sys.executable, "-m", "workbench", *words]
    with subprocess.Popen(
        argv, stdin=slave, stdout=slave, stderr=slave, env=environment(home), start_new_session=True
    ) as run:
        os.close(slave)
        said = ""
        for line in lines:
            before = said
            said += until(lambda: os.read(master, 4096).decode(), "a prompt")
            while ": " not in said[len(before) :]:
                said += os.read(master, 4096).decode()
            os.write(master, f"{line}\n".encode())
        said += _rest(master)
        return run.wait(60), said


def _rest(master):
    said = b""
    try:
        while more := os.read(master, 4096):
            said += more
    except OSError:  # the other end is closed: the program has ended
        pass
    os.close(master)
    return said.decode()


def test_a_password_is_asked_for_twice_and_its_hash_is_kept(tmp_path):
    status, said = typed(tmp_path, "password", "anna", lines=[PASSWORD, PASSWORD])

    assert status == 0
    assert "anna is a viewer" in said
    assert PASSWORD not in said
    assert matches(people_of(tmp_path, {}), "anna", PASSWORD)


def test_a_person_is_given_a_role_and_the_admin_has_no_other(tmp_path):
    def told(*words):
        argv = [sys.executable, "-m", "workbench", "password", *words]
        return subprocess.run(
            argv, input=f"{PASSWORD}\n", capture_output=True, text=True, env=environment(tmp_path), timeout=60
        )

    assert "anna is an operator" in told("anna", "--role", "operator").stderr
    assert "anna is an operator" in told("anna").stderr
    assert told("--role", "viewer").returncode == 1
    assert told("ben", "--role", "root").returncode == 2
    assert {name: login.role for name, login in people_of(tmp_path, {}).items()} == {"anna": Role.OPERATOR}


def test_two_that_differ_change_nothing(tmp_path):
    status, said = typed(tmp_path, "password", lines=[PASSWORD, PASSWORD + "x"])

    assert status == 1
    assert "the two differ; nothing was changed" in said
    assert people_of(tmp_path, {}) == {}


def test_a_hash_for_the_environment_is_printed_and_not_kept(tmp_path):
    argv = [sys.executable, "-m", "workbench", "password", "--print"]
    said = subprocess.run(
        argv, input=f"{PASSWORD}\n", capture_output=True, text=True, env=environment(tmp_path), timeout=60
    )

    assert matches({"desk": Login(said.stdout.strip())}, "desk", PASSWORD)
    assert people_of(tmp_path, {}) == {}
    assert people_of(tmp_path, {"WORKBENCH_PAGE_PASSWORD_HASH": said.stdout.strip()})


def test_the_pages_address_is_printed_with_the_token_of_the_run(tmp_path):
    write_run(tmp_path, DeskRun(os.getpid(), "r", "http://127.0.0.1:1", "http://127.0.0.1:2/", page_token="canary"))

    assert workbench(tmp_path, "page").stdout == "http://127.0.0.1:2/?token=canary\n"


def test_a_chosen_token_is_taken_from_the_environment_and_no_desk_is_said(tmp_path):
    nobody = workbench(tmp_path, "page")
    write_run(tmp_path, DeskRun(os.getpid(), "r", "http://127.0.0.1:1", "http://127.0.0.1:2/"))

    assert nobody.returncode == 1
    assert "no desk runs in" in nobody.stderr
    assert workbench(tmp_path, "page").stdout == "http://127.0.0.1:2/\n"
    assert workbench(tmp_path, "page", WORKBENCH_PAGE_TOKEN="a").stdout == "http://127.0.0.1:2/?token=a\n"
