"""What a report shows cannot act: no element that fetches or runs survives, and text stays text."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.domain.jobs import JobRun, Origin, RunState
from workbench.integrations.plain_html import plain_html
from workbench.integrations.report_folder import new_folder, prune, write_index
from workbench.integrations.report_page import report_page

PAYLOADS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<iframe src='javascript:alert(1)'></iframe>",
    "<a href='javascript:alert(1)'>x</a>",
    "<table background='http://outside/x'><tr><td onclick=alert(1)>x</td></tr></table>",
    "<td colspan='1\" onmouseover=\"alert(1)'>x</td>",
    "<meta http-equiv=refresh content='0;url=http://outside'>",
    "<link rel=stylesheet href=http://outside>",
    "<base href=http://outside>",
    "<form action=http://outside><button>x</button></form>",
    "<p style='background:url(http://outside)'>x</p>",
    "<object data=http://outside></object><embed src=http://outside>",
    "<style>@import 'http://outside'</style>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
    "<template><img src=x onerror=alert(1)></template>",
    "<!--><img src=x onerror=alert(1)>-->",
    "</pre></details></main><script>alert(1)</script>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<b\x00 onload=alert(1)>x",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
]
TAGS = re.compile(r"<(/?)([a-zA-Z][^\s>/]*)([^>]*)>")
ALLOWED = re.compile(r'(?: (?:colspan|rowspan)="\d+")*(?: class="text")?')


def offences(markup):
    """Elements or attributes of `markup` that are not on the short list, found without the code under test."""
    return [found[0] for found in TAGS.finditer(plain_html(markup)) if not ALLOWED.fullmatch(found[3])]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_payload_keeps_a_way_to_act(payload):
    made = plain_html(payload)

    assert offences(payload) == []
    assert not re.search(r"<(script|img|svg|iframe|a|meta|link|base|form|object|embed|style|math)\b", made)


@given(st.text(alphabet="<>/=\"' abtrdscipmg&;!-x", max_size=80))
def test_whatever_is_fed_in_only_the_short_list_comes_out(markup):
    assert offences(markup) == []


@given(st.text(alphabet="<>/abtr d", max_size=60))
def test_cleaning_twice_changes_nothing_that_matters(markup):
    once = plain_html(markup)

    assert TAGS.sub("", plain_html(once)) == TAGS.sub("", once)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_page_holds_every_kind_of_output_as_text(payload):
    outputs = [
        {"output_type": "stream", "text": payload},
        {"output_type": "error", "ename": payload, "evalue": payload, "traceback": [payload]},
        {"output_type": "display_data", "data": {"text/html": payload}},
        {"output_type": "display_data", "data": {"text/markdown": payload}},
        {"output_type": "display_data", "data": {"image/png": payload, "text/plain": payload}},
        {"output_type": "display_data", "data": {"image/svg+xml": payload}},
        {"output_type": "display_data", "data": {"application/javascript": payload, "text/plain": payload}},
    ]
    cells = [{"cell_type": "code", "source": payload, "outputs": outputs}, {"cell_type": "markdown", "source": payload}]

    page = report_page({"cells": cells}, payload, payload, [(payload, payload)], payload)
    body = page.partition("<body>")[2]

    assert not re.search(r"<(script|svg|iframe|meta|link|base|form|object|embed|style|math)\b", body)
    assert not re.search(r"<[a-z][^>]*\son\w+=", re.sub(r'alt="[^"]*"', "", body))
    assert all(found.startswith("data:image/") for found in re.findall(r'<img alt="[^"]*" src="([^"]*)"', body))


def test_numbers_stand_right_and_words_left():
    made = plain_html(
        "<table><tr><th></th><th>n</th><th>what</th></tr><tr><th>a</th><td>-1.5 %</td><td>long words</td></tr></table>"
    )

    assert "<td>-1.5 %</td>" in made
    assert '<td class="text">long words</td>' in made
    assert '<th class="text">what</th>' in made


def test_only_folders_of_runs_are_pruned(tmp_path):
    from datetime import UTC, datetime, timedelta

    due = datetime(2026, 11, 29, 7, tzinfo=UTC)
    made = [new_folder(tmp_path, "brief", due + timedelta(hours=hour)) for hour in range(4)]
    (tmp_path / "brief" / "mine").mkdir()
    (tmp_path / "brief" / "20200101T000000Z").symlink_to(tmp_path)

    gone = prune(tmp_path, "brief", 2)

    assert gone == ["20261129T070000Z", "20261129T080000Z"]
    assert [folder.exists() for folder in made] == [False, False, True, True]
    assert (tmp_path / "brief" / "mine").exists()
    assert (tmp_path / "brief" / "20200101T000000Z").is_symlink()


def test_the_index_shows_names_and_words_as_text(tmp_path):
    from datetime import UTC, datetime

    at = datetime(2026, 11, 29, 7, tzinfo=UTC)
    run = JobRun("brief", at, Origin.CAUGHT_UP, RunState.DONE, at, at, figures=(("<b>x</b>", "<script>"),))

    write_index(tmp_path, [run])

    index = (tmp_path / "index.html").read_text()
    assert "&lt;b&gt;x&lt;/b&gt; &lt;script&gt;" in index
    assert "caught up" in index
