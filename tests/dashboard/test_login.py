"""The page's door: nobody without a session is served anything, whatever the route; a session is one person's."""

import re
from collections import deque
from pathlib import Path
from uuid import uuid4

import httpx
import nbformat
import psutil
import pytest
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import connect

from tests.dashboard.test_page import KERNEL_ID, run_page, until
from tests.support.page_server import PageServer
from workbench.dashboard.login_page import own_path
from workbench.dashboard.page_login import login_of
from workbench.dashboard.passwords import forget, matches, people_of, store
from workbench.dashboard.tries import Tries
from workbench.domain.errors import SettingsError, StartError, ValueRefused

TOKEN = "canary-token-of-the-page"
PASSWORD = "canary password of anna"
NOBODYS = "00000000-0000-4000-8000-000000000000"  # a kernel that is not
WHO = nbformat.v4.new_notebook(
    cells=[
        nbformat.v4.new_code_cell(
            "from workbench.dashboard.unified_dashboard import wait_for_viewer\n"
            "from workbench.dashboard.viewer import current_user\n"
            "query = wait_for_viewer()\n"
            "raise ValueError(f'{current_user()} asks {query}')"
        )
    ]
)
ROUTES = [
    "",
    "?token=",
    "anything",
    "voila/static/voila.js",
    "voila/templates/workbench/static/index.css",
    "voila/labextensions/anywidget/package.json",
    "voila/labextensions/@voila-dashboards/widgets-manager8/package.json",
    "voila/api/themes/@jupyterlab/theme-dark-extension/index.css",
    "voila/files/desk_page.ipynb",
    f"voila/query/{NOBODYS}",
    f"api/kernels/{NOBODYS}",
    f"api/kernels/{NOBODYS}/channels",
    "logout",
]


@pytest.fixture(scope="module")
def page():
    """Opened by a token."""
    with PageServer("--port", "0", "--heated", "0", env={"WORKBENCH_PAGE_TOKEN": TOKEN}) as page:
        yield page


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """Opened by passwords of two people; it shows who asks, from a heated kernel."""
    home = tmp_path_factory.mktemp("shared")
    store(home, "anna", PASSWORD)
    store(home, "ben", "the password of ben")
    nbformat.write(WHO, home / "who.ipynb")
    with PageServer("--port", "0", "--heated", "1", notebook=home / "who.ipynb", env=closed(home)) as page:
        yield page


@pytest.fixture
def visitor(page):
    with a_visitor(page) as visitor:
        yield visitor


def a_visitor(page, address=""):
    """A browser without scripts, from an address of its own: wrong tries of one test are not another's."""
    transport = httpx.HTTPTransport(local_address=address or "127.0.0.1")
    return httpx.Client(base_url=page.url, timeout=60, transport=transport)


def closed(home):
    """Nobody has chosen a token."""
    return {"WORKBENCH_HOME": str(home), "WORKBENCH_PAGE_TOKEN": ""}


def log_in(visitor, **said):
    return visitor.post("/login", data=said)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE", "OPTIONS"])
def test_a_stranger_is_served_nothing_on_any_route(page, method, route):
    with a_visitor(page) as stranger:
        answer = stranger.request(method, f"/{route}")

    assert answer.status_code in (302, 403, 404, 405)
    assert answer.status_code != 302 or answer.headers["Location"].startswith("/login")
    assert "set-cookie" not in answer.headers
    assert "wb-page" in answer.text or answer.text == ""
    assert page.kernels() == []


@pytest.mark.parametrize("route", ROUTES[3:8])
def test_what_a_stranger_was_refused_is_there_for_who_is_let_in(page, route):
    assert page.get(route)[0] in (200, 404)  # 404: a template without static files of its own


@pytest.mark.parametrize("route", ["api/kernels/{}/channels", "voila/query/{}"])
@pytest.mark.parametrize("said", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer "}])
def test_a_line_to_a_kernel_needs_a_session_and_a_waiting_kernel_its_servers_key(shared, route, said):
    with pytest.raises(InvalidStatus, match="403"):
        connect(f"{shared.url.replace('http', 'ws')}{route.format(uuid4())}", proxy=None, additional_headers=said)


def test_the_terminals_address_opens_a_session_and_forgets_the_token(page, visitor):
    opened = visitor.get(f"/?token={TOKEN}&case=empty")

    assert opened.status_code == 200
    assert 'http-equiv="refresh" content="0; url=/?case=empty"' in opened.text
    assert TOKEN not in opened.text
    cookie = opened.headers["set-cookie"]
    assert all(word in cookie for word in ("HttpOnly", "SameSite=Strict", "Path=/"))
    html = visitor.get("/?case=empty").text
    (kernel,) = page.kernels()
    assert TOKEN not in html
    assert TOKEN not in f"{kernel.environ()} {kernel.cmdline()}"
    assert TOKEN not in " ".join(psutil.Process(page.process.pid).cmdline())
    visitor.post(f"/voila/api/shutdown/{KERNEL_ID.search(html)[1]}")
    until(lambda: not page.kernels())


def test_a_forged_a_foreign_and_an_old_cookie_open_nothing(page, visitor):
    name = visitor.get(f"/?token={TOKEN}").headers["set-cookie"].partition("=")[0]
    value = visitor.cookies[name]
    visitor.cookies.clear()

    for forged in (value[:-2] + ("aa" if value[-2:] != "aa" else "bb"), value.replace("|1:0|", "|1:9|"), "{}", ""):
        answer = visitor.get("/", headers={"Cookie": f"{name}={forged}"})

        assert answer.headers["Location"].startswith("/login")
    assert page.kernels() == []


def test_a_wrong_token_is_said_and_not_repeated(page):
    with a_visitor(page, "127.0.0.2") as visitor:
        answer = visitor.get("/?token=wrong-token&case=empty")
        form = visitor.get(answer.headers["Location"])

    assert answer.headers["Location"] == "/login?next=%2F%3Fcase%3Dempty&old=1"
    assert "set-cookie" not in answer.headers
    assert "That token does not open this page" in form.text
    assert 'value="/?case=empty"' in form.text


def test_wrong_tries_are_limited_for_the_right_one_too(page):
    with a_visitor(page, "127.0.0.3") as visitor, a_visitor(page, "127.0.0.4") as other:
        wrong = [log_in(visitor, secret=f"guess {n}").status_code for n in range(5)]
        limited = log_in(visitor, secret=TOKEN)
        by_address = visitor.get(f"/?token={TOKEN}")
        by_header = visitor.get("/", headers={"Authorization": f"token {TOKEN}"})

        assert wrong == [401] * 5
        assert limited.status_code == 429
        assert "Too many wrong tries. Wait" in limited.text
        assert all("set-cookie" not in answer.headers for answer in (limited, by_address, by_header))
        assert by_header.status_code == 302
        assert log_in(other, secret=TOKEN).status_code == 302
        assert visitor.get("/login").status_code == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "file://"])
def test_a_foreign_page_neither_logs_in_nor_out_nor_connects(page, origin):
    with a_visitor(page) as visitor:
        visitor.get(f"/?token={TOKEN}")
        foreign = {"Origin": origin}

        assert visitor.post("/login", data={"secret": TOKEN}, headers=foreign).status_code == 403
        assert visitor.post("/logout", headers=foreign).status_code == 403
        assert visitor.get("/", headers=foreign).status_code == 403
        cookies = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
        with pytest.raises(InvalidStatus, match="403"):
            connect(
                f"{page.url.replace('http', 'ws')}api/kernels/{uuid4()}/channels",
                proxy=None,
                additional_headers=foreign | {"Cookie": cookies},
            )


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "x@y", ""])
@pytest.mark.parametrize("path", ["/", f"/?token={TOKEN}", "/login", "/logout", "/voila/static/voila.js"])
def test_a_name_that_merely_leads_here_is_refused(page, visitor, path, host):
    answer = visitor.get(path, headers={"Host": host})

    assert answer.status_code in (400, 403)
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_its_own_names_are_served(page, visitor, host):
    assert visitor.get("/login", headers={"Host": f"{host}:{httpx.URL(page.url).port}"}).status_code == 200


@pytest.mark.parametrize(
    "elsewhere",
    [
        *("http://evil.example/", "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example"),
        *("/\t/evil.example", "javascript:alert(1)", "data:text/html,x", "https:evil.example", "evil.example"),
        *("", " //evil.example", "/\r\nSet-Cookie: a=b", "/\x00", "http:///evil.example", "/ /evil.example"),
    ],
)
def test_the_way_on_after_the_login_stays_on_this_server(page, visitor, elsewhere):
    gone = visitor.post("/login", data={"secret": TOKEN, "next": elsewhere})

    assert gone.status_code == 302
    assert httpx.URL(page.url).join(gone.headers["Location"]).host == "127.0.0.1"
    assert re.match(r"/($|[^/\\])", own_path(elsewhere))


def test_the_way_on_keeps_what_was_asked_for(visitor):
    answer = visitor.get("/?case=empty&every=1#risk")

    gone = visitor.post(answer.headers["Location"], data={"secret": TOKEN, "next": "/?case=empty&every=1"})

    assert answer.headers["Location"] == "/login?next=%2F%3Fcase%3Dempty%26every%3D1"
    assert gone.headers["Location"] == "/?case=empty&every=1"


def test_the_form_is_a_page_without_scripts_that_nobody_frames(visitor):
    form = visitor.get("/login?next=%22%3E%3Cscript%3Efired()%3C/script%3E")

    assert "default-src 'none'" in form.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in form.headers["Content-Security-Policy"]
    assert form.headers["Cache-Control"] == "no-store"
    assert "<script" not in form.text


def test_people_log_in_by_name_and_the_kernel_knows_who_looks(shared):
    for name, password in (("anna", PASSWORD), ("ben", "the password of ben")):
        with a_visitor(shared) as visitor:
            entered = log_in(visitor, name=name, secret=password, next="/?case=1")
            html = visitor.get("/?case=1", headers={"X-Workbench-User": "mallory"}).text

            assert entered.headers["Location"] == "/?case=1"
            assert f"ValueError: {name} asks case=1" in html
            visitor.post(f"/voila/api/shutdown/{KERNEL_ID.search(html)[1]}")


@pytest.mark.parametrize(("name", "password"), [("ben", PASSWORD), ("nobody", PASSWORD), ("", PASSWORD), ("anna", "")])
def test_another_ones_password_opens_nothing(shared, name, password):
    with a_visitor(shared, f"127.0.1.{len(name) + len(password)}") as visitor:
        answer = log_in(visitor, name=name, secret=password)

        assert answer.status_code == 401
        assert "That is not the password." in answer.text
        assert "set-cookie" not in answer.headers
        assert password not in answer.text or not password


def test_logging_out_ends_the_session_and_its_lines_but_nobody_elses(shared):
    with a_visitor(shared) as visitor, a_visitor(shared) as other:
        log_in(visitor, name="anna", secret=PASSWORD)
        log_in(other, name="anna", secret=PASSWORD)
        kernel_id = KERNEL_ID.search(visitor.get("/").text)[1]
        cookie = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
        address = f"{shared.url.replace('http', 'ws')}api/kernels/{kernel_id}/channels?session_id=a"
        with connect(address, proxy=None, additional_headers={"Cookie": cookie}) as line:
            left = visitor.post("/logout", headers={"Origin": shared.url.rstrip("/")})
            with pytest.raises(ConnectionClosedError, match="logged out"):
                deque(iter(lambda: line.recv(timeout=60), None))

        assert left.headers["Location"] == "/login"
        assert visitor.get("/", headers={"Cookie": cookie}).headers["Location"].startswith("/login")
        assert other.get("/voila/static/voila.js").status_code == 200
        until(lambda: other.get(f"/api/kernels/{kernel_id}").status_code == 404)  # nobody could reach it any more


def test_a_made_token_is_told_once_and_is_in_nothing_else_the_server_says(tmp_path):
    with PageServer("--port", "0", "--heated", "0", env=closed(tmp_path)) as page:
        address = page.said["login"]
        token = re.fullmatch(rf"{re.escape(page.url)}\?token=([\w-]{{32}})", address)[1]
        with a_visitor(page) as visitor:
            assert "set-cookie" in visitor.get(address).headers
            visitor.cookies.clear()
            visitor.get(f"/nowhere?token={token}")
            log_in(visitor, secret=f"{token} nearly")
            visitor.get("/", headers={"Authorization": f"token {token}x"})
            visitor.get("/", headers={"Cookie": f"username-127-0-0-1={token}", "Referer": address})
        page.process.terminate()
        said = "".join(page.process.communicate(timeout=60))

    assert "A wrong token or password for the page, from 127.0.0.1." in said
    assert token not in said


def test_beyond_this_machine_a_choice_is_needed(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))

    ended = run_page("--port", "0", "--host", "0.0.0.0")

    assert ended.returncode == 1
    assert ended.stdout == ""
    (line,) = ended.stderr.strip().splitlines()
    assert line.startswith("workbench: page: page.host = '0.0.0.0' lets other machines in")
    assert "workbench password" in line
    assert "WORKBENCH_PAGE_TOKEN" in line


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "desk.example", ""])
def test_every_address_but_this_machines_own_needs_that_choice(tmp_path, host):
    with pytest.raises(StartError, match="lets other machines in"):
        login_of(tmp_path, host, {})
    assert login_of(tmp_path, host, {"WORKBENCH_PAGE_TOKEN": TOKEN}).token == TOKEN
    store(tmp_path, "desk", PASSWORD)
    assert login_of(tmp_path, host, {}).token == ""


def test_a_page_for_other_machines_is_found_under_its_names_and_by_its_kernels(tmp_path):
    env = {"WORKBENCH_PAGE__NAMES": '["desk.example"]', "WORKBENCH_PAGE_TOKEN": TOKEN, "WORKBENCH_HOME": str(tmp_path)}
    notebook = tmp_path / "who.ipynb"
    nbformat.write(WHO, notebook)

    with PageServer("--port", "0", "--heated", "1", "--host", "127.0.0.9", notebook=notebook, env=env) as page:
        port = httpx.URL(page.url).port
        with httpx.Client(base_url=f"http://127.0.0.9:{port}", timeout=60) as visitor:
            assert visitor.get("/login", headers={"Host": "desk.example"}).status_code == 200
            assert visitor.get("/login", headers={"Host": "other.example"}).status_code == 403
            through = {"X-Forwarded-Proto": "https", "Host": "desk.example", "Origin": "https://desk.example"}
            assert "Secure" in visitor.post("/login", data={"secret": TOKEN}, headers=through).headers["set-cookie"]
            visitor.get(f"/?token={TOKEN}")
            assert "ValueError: desk asks case=2" in visitor.get("/?case=2").text


def test_passwords_are_kept_as_hashes_that_only_the_owner_reads(tmp_path):
    store(tmp_path, "anna", PASSWORD)
    store(tmp_path, "anna", PASSWORD + "!")

    (file,) = [path for path in Path(tmp_path).rglob("*") if path.is_file()]
    assert file.stat().st_mode & 0o777 == 0o600
    assert PASSWORD not in file.read_text()
    assert matches(people_of(tmp_path, {}), "anna", PASSWORD + "!")
    assert not matches(people_of(tmp_path, {}), "anna", PASSWORD)
    forget(tmp_path, "anna")
    assert people_of(tmp_path, {}) == {}
    assert not matches({}, "anna", PASSWORD)


def test_what_cannot_be_a_password_or_a_name_is_refused_with_the_mend(tmp_path):
    with pytest.raises(ValueRefused, match="needs 8 characters or more, this one has 5"):
        store(tmp_path, "anna", "short")
    with pytest.raises(ValueRefused, match="cannot be a name"):
        store(tmp_path, "../anna", PASSWORD)
    with pytest.raises(ValueRefused, match="'anna' has no password; those who have: nobody"):
        forget(tmp_path, "anna")
    with pytest.raises(SettingsError, match="workbench password"):
        people_of(tmp_path, {"WORKBENCH_PAGE_PASSWORD_HASH": "sha1:abc:def"})
    with pytest.raises(SettingsError, match="needs 12 or more"):
        login_of(tmp_path, "127.0.0.1", {"WORKBENCH_PAGE_TOKEN": "short"})


def test_tries_are_counted_by_address_and_forgotten_after_a_rest():
    tries = Tries(most=2, rest_s=10)

    tries.wrong("a", 0)
    assert tries.wait_s("a", 0) == 0
    tries.wrong("a", 1)
    assert tries.wait_s("a", 1) == 10
    assert tries.wait_s("b", 1) == 0
    assert tries.wait_s("a", 11) == 0
    tries.wrong("a", 11)
    assert tries.wait_s("a", 11) == 0
    tries.right("a")
    tries.wrong("a", 12)
    assert tries.wait_s("a", 12) == 0
