"""One desk a folder; its addresses found by others, its tokens by its owner alone."""

import os
import socket
import stat
import subprocess
import sys

import pytest
import structlog

from workbench.bootstrap.logs import configure_logs
from workbench.bootstrap.ports import require_free
from workbench.bootstrap.run_file import DeskRun, forget_run, only_desk, read_run, run_path, write_run
from workbench.domain.errors import StartError


def a_run(pid=None):
    return DeskRun(pid or os.getpid(), "replay-1", "http://127.0.0.1:1", bot_token="canary", exchange_token="canary")


def test_a_run_is_found_by_its_user_only(tmp_path):
    write_run(tmp_path, a_run())
    write_run(tmp_path, a_run())

    assert read_run(tmp_path) == a_run()
    assert stat.S_IMODE(run_path(tmp_path).stat().st_mode) == 0o600
    assert "canary" not in repr(a_run())


def test_a_run_whose_process_is_gone_is_no_run(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    write_run(tmp_path, a_run(ended.pid))

    assert read_run(tmp_path) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', '{"pid": 1, "surprise": 2}'])
def test_a_broken_run_file_is_no_run(tmp_path, text):
    run_path(tmp_path).parent.mkdir(parents=True)
    run_path(tmp_path).write_text(text)

    assert read_run(tmp_path) is None


def test_no_run_at_all(tmp_path):
    forget_run(tmp_path)

    assert read_run(tmp_path) is None


def test_a_second_desk_in_the_same_folder_is_refused(tmp_path):
    write_run(tmp_path, a_run())

    with only_desk(tmp_path):
        code = (
            "import sys, pathlib; from workbench.bootstrap.run_file import only_desk\n"
            "with only_desk(pathlib.Path(sys.argv[1])): pass"
        )
        second = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False
        )
    with only_desk(tmp_path):
        pass

    assert "a desk already runs" in second.stderr


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(StartError, match="cannot be written"), only_desk(tmp_path / "file"):
        pass


def test_a_taken_port_is_told_with_the_setting_that_moves_it():
    require_free(0, "the page", "page.port")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(StartError, match=rf"port {port}, wanted by the page.*page\.port"):
            require_free(port, "the page", "page.port")


def test_a_secret_does_not_reach_the_log(capfd):
    configure_logs()
    structlog.get_logger("test").info("connected", api_key="canary", bot="trend")

    said = capfd.readouterr().err
    structlog.reset_defaults()

    assert "trend" in said
    assert "canary" not in said
