"""Reports as files, in a browser: they ask nobody for anything, and draw what is doubtful as doubtful."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page

from tests.analysis.conversations import BRAIN, EAR, MOUTH, Conversation, HostClock
from tests.browser import watched_page
from tests.reports.test_budget_report import LEFT_OUT, SPEECH
from tests.reports.test_pages import population
from voxtrace.analysis import Turn, assemble, summarize
from voxtrace.judge.turn_story import tell
from voxtrace.reports.budget_report import budgets_to_html
from voxtrace.reports.conversation_html import story_to_html
from voxtrace.reports.html_report import summary_to_html
from voxtrace.testing.turns import event

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.usefixtures("one_browser")]

# Read from outside the page's own world, which runs no script.
BACKGROUND = "bar => getComputedStyle(bar).backgroundImage"
# Contrast of its colour with the page's, by the formula of WCAG 2.
CONTRAST = """text => {
  const parts = (colour) => colour.match(/[\\d.]+/g).slice(0, 3).map((each) => each / 255);
  const linear = (each) => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4;
  const light = (colour) => parts(colour).map(linear)
    .reduce((sum, each, index) => sum + each * [0.2126, 0.7152, 0.0722][index], 0);
  const canvas = document.createElement('div');
  canvas.style.color = 'Canvas';
  document.body.append(canvas);
  const both = [light(getComputedStyle(text).color), light(getComputedStyle(canvas).color)].sort((a, b) => b - a);
  canvas.remove();
  return (both[0] + 0.05) / (both[1] + 0.05);
}"""


def far_apart() -> Turn:
    """A turn of three hosts whose messages take so long that their clocks leave 25 ms open."""
    offsets_ns = {EAR: 0, BRAIN: 1_284_000_000, MOUTH: -1_900_000_000}
    clocks = {host: HostClock(offset, booted_ns=10**15) for host, offset in offsets_ns.items()}
    return assemble("far-apart", Conversation(clocks, random.Random(7), shortest_ms=25.0).turn(0))


def summary_page() -> str:
    turns = [*population(), far_apart(), assemble("gap", [event("a_start", 0), event("a_end", 5), event("b", 900)])]
    return summary_to_html(summarize(turns), turns[-3:], foot=budgets_to_html(SPEECH, LEFT_OUT))


def story_page() -> str:
    return story_to_html(tell(far_apart()))


@contextmanager
def opened(folder: Path, content: str, width: int = 1280) -> Iterator[Page]:
    """The page from the disk; it asked for nothing and complained of nothing."""
    path, asked = folder / "report.html", []
    path.write_text(content, "utf-8")
    with watched_page("file://", width) as watched:
        watched.page.on("request", lambda request: asked.append(request.url))
        watched.page.goto(path.as_uri())
        yield watched.page

    assert asked == [path.as_uri()]
    assert (watched.elsewhere, watched.errors) == ([], [])


def bar_of(page: Page, name: str) -> Locator:
    """The bar in the line of that name."""
    return page.locator(".row, .step").filter(has_text=name).first.locator(".bar")


def test_a_report_opened_from_the_disk_makes_no_request_and_runs_nothing_that_a_log_says(tmp_path):
    evil = '<img src="http://192.0.2.1/x.png" onerror="document.title=1"><script>document.title=2</script>'
    turns = [*population(), assemble(evil, [event(f"{evil}_start", 0, evil), event(f"{evil}_end", 5, evil)])]
    with opened(tmp_path, summary_to_html(summarize(turns), turns[-1:])) as page:
        title, heading, shown = page.title(), page.inner_text("h1"), page.inner_text("body")

    assert (title, heading) == ("Voice latency report", "Voice latency report")
    assert evil in shown


@pytest.mark.parametrize("content", [summary_page, story_page], ids=["summary", "story"])
def test_what_is_shorter_than_its_clocks_leave_open_is_hatched_and_what_is_longer_is_not(tmp_path, content):
    with opened(tmp_path, content()) as page:
        # Of several hand-overs, those within one host are not in doubt.
        short, long = page.locator(".track .bar.doubtful").first, bar_of(page, "language model")
        line = short.locator("xpath=../..").inner_text()
        patterns = short.evaluate(BACKGROUND), long.evaluate(BACKGROUND)
        width, key = short.bounding_box()["width"], page.locator(".key", has=page.locator(".doubtful")).inner_text()

    assert line.startswith("hand-over to backend")
    assert patterns[0].startswith("repeating-linear-gradient(45deg")
    assert patterns[1] == "none"
    assert width >= 7  # pixels: one period of the pattern, or it could not be told from a plain bar
    assert "shorter than what its two clocks leave open" in key


def test_a_length_across_two_clocks_stands_with_its_uncertainty(tmp_path):
    with opened(tmp_path, summary_page()) as page:
        across = page.locator(".row").filter(has_text="hand-over to backend").first.inner_text()
        within = page.locator(".row").filter(has_text="language model").first.inner_text()

    assert " ms ± 2" in across
    assert "±" not in within


def test_time_that_no_event_explains_has_a_pattern_of_its_own(tmp_path):
    with opened(tmp_path, summary_page()) as page:
        pattern = bar_of(page, "unattributed").evaluate(BACKGROUND)
        doubtful = bar_of(page, "hand-over to backend").evaluate(BACKGROUND)

    assert pattern.startswith("repeating-linear-gradient(45deg")
    assert pattern != doubtful


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("content", [summary_page, story_page], ids=["summary", "story"])
def test_on_a_telephone_nothing_leaves_the_page_bars_are_seen_and_words_are_read(tmp_path, content, scheme):
    with opened(tmp_path, content(), width=400) as page:
        page.emulate_media(color_scheme=scheme)
        overflow = page.evaluate("document.documentElement.scrollWidth") - 400
        track = bar_of(page, "language model").locator("xpath=..").bounding_box()
        bars = [each.bounding_box() for each in page.locator(".track .bar").all()]
        words = page.locator("p, td, th, h1, h2, h3, .quiet, .badge, .row > span:not(.track)").all()
        weakest = min(each.evaluate(CONTRAST) for each in words[:: max(len(words) // 40, 1)])
        quiet = min((each.evaluate(CONTRAST) for each in page.locator(".quiet, .key, .scale").all()), default=21)

    assert overflow <= 0
    assert track["width"] > 100
    assert all(each["x"] >= 0 and each["x"] + each["width"] <= 400 for each in bars)
    assert min(weakest, quiet) >= 4.5
