"""The report as one file, in a browser: it asks nobody for anything."""

from __future__ import annotations

import pytest

from tests.browser import watched_page
from tests.reports.test_pages import population
from voxtrace.analysis import assemble, summarize
from voxtrace.reports.html_report import summary_to_html
from voxtrace.testing.turns import event

pytestmark = [pytest.mark.slow, pytest.mark.browser]


def test_a_report_opened_from_the_disk_makes_no_request_and_runs_nothing_that_a_log_says(tmp_path):
    evil = '<img src="http://192.0.2.1/x.png" onerror="document.title=1"><script>document.title=2</script>'
    turns = [*population(), assemble(evil, [event(f"{evil}_start", 0, evil), event(f"{evil}_end", 5, evil)])]
    page = tmp_path / "report.html"
    page.write_text(summary_to_html(summarize(turns), turns[-1:]), "utf-8")
    asked: list[str] = []

    with watched_page("file://") as watched:
        watched.page.on("request", lambda request: asked.append(request.url))
        watched.page.goto(page.as_uri())
        title, heading = watched.page.title(), watched.page.inner_text("h1")
        shown = watched.page.inner_text("body")

    assert asked == [page.as_uri()]
    assert (watched.elsewhere, watched.errors) == ([], [])
    assert (title, heading) == ("Voice latency report", "Voice latency report")
    assert evil in shown
