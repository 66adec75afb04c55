"""The page of `voxtrace conversation --html`, as a browser shows it."""

from __future__ import annotations

import pytest

from tests.browser import watched_page
from tests.reports.test_conversation_report import GAPPED
from voxtrace.reports.conversation_html import story_to_html

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(180), pytest.mark.usefixtures("one_browser")]


@pytest.mark.parametrize("width", [1280, 420])
def test_a_page_asks_for_nothing_complains_of_nothing_and_shows_the_gap(tmp_path, width):
    path = tmp_path / "turn.html"
    path.write_text(story_to_html(GAPPED), "utf-8")
    with watched_page(path.as_uri(), width=width) as watched:
        watched.page.goto(path.as_uri())
        gap = watched.page.locator(".strip .gap").bounding_box()
        band = watched.page.locator(".strip").bounding_box()
        overflow = watched.page.evaluate("document.documentElement.scrollWidth") - width

    assert (watched.errors, watched.elsewhere) == ([], [])
    # 4.3 s of silence in 19.3 s.
    assert gap["width"] / band["width"] == pytest.approx(4.3 / 19.3, abs=0.01)
    assert overflow <= 0
