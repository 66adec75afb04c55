"""What a person sees in a browser after `voxtrace up` and one spoken sentence."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser import watched_page
from tests.journeys.house import House, pid_of, running_house

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(180), pytest.mark.usefixtures("one_browser")]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with running_house(tmp_path_factory.mktemp("browser") / "data") as running:
        running.say("Hello world")
        running.measured()
        yield running


def test_the_spoken_request_is_in_the_list_and_its_page_shows_the_same_number(house: House):
    request_id = house.measured()[0]["request_id"]
    ttfa_ms = house.json("show", request_id)["metrics"]["ttfa_ms"]["value"]
    with watched_page(house.watch_url) as watched:
        page = watched.page
        page.goto(f"{house.watch_url}/requests")
        page.get_by_role("link", name=request_id[:8]).first.click()
        page.wait_for_url(f"**/requests/{request_id}")
        page.get_by_role("group", name="Waterfall").wait_for()
        shown = page.locator("tr", has_text="ttfa_ms").locator("td").first.inner_text()

    assert float(shown.split()[0]) == pytest.approx(ttfa_ms, rel=0.01)
    assert (watched.errors, watched.elsewhere) == ([], [])


def test_a_request_appears_on_an_open_page_by_itself(house: House):
    with watched_page(house.watch_url) as watched:
        page = watched.page
        page.goto(f"{house.watch_url}/requests")
        page.locator("tbody tr").first.wait_for()
        before = page.locator("tbody tr").count()
        house.say("One more")
        page.wait_for_function("before => document.querySelectorAll('tbody tr').length > before", arg=before)

    assert watched.errors == []


def test_an_empty_house_says_what_to_do(tmp_path: Path):
    with running_house(tmp_path / "data") as house, watched_page(house.watch_url) as watched:
        watched.page.goto(house.watch_url)
        watched.page.get_by_text("No requests yet").first.wait_for()
        seen = watched.page.inner_text("body")

    assert "voxtrace say" in seen or "curl" in seen
    assert (watched.errors, watched.elsewhere) == ([], [])


def test_a_lost_connection_is_said_and_mended_without_a_reload(tmp_path: Path):
    with running_house(tmp_path / "data") as house, watched_page(house.watch_url) as watched:
        page = watched.page
        page.goto(house.watch_url)
        page.get_by_text("LIVE", exact=True).wait_for()
        os.kill(pid_of(house, "watch"), signal.SIGKILL)

        page.get_by_text("RECONNECTING").or_(page.get_by_text("STALE")).first.wait_for()
        house.process.read_until("watch is back")
        page.get_by_text("LIVE", exact=True).wait_for()
        house.say("Here again")
        house.measured()
        page.get_by_text("Time to first audio").first.wait_for()
