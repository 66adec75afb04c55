"""The pages in a real browser: what they load, who can use them, and what they do when something is missing."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import axe_playwright_python
import pytest
import uvicorn
from playwright.sync_api import Page, WebSocketRoute

from tests.browser import watched_page
from tests.dashboard.stories import conversation, request, tell
from tests.journeys.services import free_ports, wait_until
from voxtrace.clock import wall_ns
from voxtrace.dashboard import Changes, build_app
from voxtrace.dashboard.assets import load_assets
from voxtrace.store import SqliteStore, open_store
from voxtrace.testing.turns import event

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(180), pytest.mark.usefixtures("one_browser")]

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")
FIRST_LOAD_BYTES = 100 * 1024  # gzipped
FIRST_LOAD_REQUESTS = 12

PAYLOAD = "<img src=x onerror=\"document.title='hacked'\"><script>document.title='hacked'</script>"


@contextmanager
def served(store: SqliteStore, changes: Changes | None = None) -> Iterator[str]:
    """The dashboard over a real socket; its address."""
    [port] = free_ports(1)
    app = build_app(store, changes or Changes())
    server = uvicorn.Server(
        uvicorn.Config(app, port=port, log_level="critical", lifespan="off", timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started, "the dashboard")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def busy(tmp_path_factory) -> Iterator[str]:
    """A dashboard over requests of every kind."""
    store = open_store(tmp_path_factory.mktemp("busy"))
    now = wall_ns()
    tell(
        store,
        *[request(ago_s=20 * n + 5, ttfa=150 + 13 * n, now_ns=now, request_id=f"miss{n:02d}") for n in range(30)],
        *[request(ago_s=60 * n + 9, ttfa=20 + n, cache="hit", now_ns=now) for n in range(5)],
        request(ago_s=30, outcome="error", now_ns=now, request_id="failed"),
        request(ago_s=40, sides="server", now_ns=now, request_id="server-only"),
        request(ago_s=50, sides="client", now_ns=now, request_id="client-only"),
        request(ago_s=1, ttfa=2_000, now_ns=now, request_id="newest"),
        conversation("talk", now),
    )
    with served(store) as address:
        yield address
    store.close()


def settled(page: Page, address: str) -> Page:
    """The page once its data is there."""
    page.goto(address)
    page.locator(".as-of").wait_for()
    return page


PAGES = ["/", "/requests", "/requests/newest", "/requests/talk"]


def test_the_first_page_is_light(busy):
    sizes: dict[str, int] = {}
    sockets: list[str] = []
    with watched_page(busy) as watched:
        watched.page.on("response", lambda answer: sizes.update({answer.url: len(gzip.compress(answer.body()))}))
        watched.page.on("websocket", lambda socket: sockets.append(socket.url))
        settled(watched.page, busy)
        watched.page.wait_for_function("() => document.querySelectorAll('.uplot').length === 1")

    assert sum(sizes.values()) <= FIRST_LOAD_BYTES, sizes
    assert len(sizes) <= FIRST_LOAD_REQUESTS, list(sizes)
    assert len(sockets) == 1


@pytest.mark.parametrize("path", PAGES)
def test_a_page_breaks_no_rule_of_its_own_security_policy(busy, path):
    with watched_page(busy) as watched:
        watched.page.add_init_script(
            "window.broken = []; addEventListener('securitypolicyviolation', (e) => broken.push(e.violatedDirective))"
        )
        settled(watched.page, busy + path)

        assert watched.page.evaluate("() => window.broken") == []
    assert (watched.errors, watched.elsewhere) == ([], [])


MODES = (
    {"color_scheme": "light"},
    {"color_scheme": "dark"},
    {"color_scheme": "light", "forced_colors": "active"},
    {"color_scheme": "dark", "reduced_motion": "reduce"},
)


@pytest.mark.parametrize("path", PAGES)
def test_everybody_can_use_a_page(busy, path):
    with watched_page(busy) as watched:
        page = settled(watched.page, busy + path)
        page.evaluate(AXE)
        for mode in MODES:
            for width in (1280, 360):
                page.emulate_media(**{"forced_colors": "none", "reduced_motion": "no-preference"} | mode)
                page.set_viewport_size({"width": width, "height": 800})
                page.wait_for_timeout(100)  # the pictures follow the new width

                assert serious_problems(page) == [], (mode, width)
                assert page.evaluate("() => document.documentElement.scrollWidth - innerWidth") <= 0, (mode, width)


def serious_problems(page: Page) -> list[tuple[str, list[str]]]:
    """What axe finds that keeps somebody from using the page."""
    found = page.evaluate("() => axe.run()")["violations"]
    return [
        (each["id"], [node["html"][:160] for node in each["nodes"][:3]])
        for each in found
        if each["impact"] in ("serious", "critical")
    ]


def test_the_keyboard_alone_reaches_every_request(busy):
    with watched_page(busy) as watched:
        page = settled(watched.page, f"{busy}/requests")
        page.keyboard.press("Tab")
        first_stop = page.evaluate("() => document.activeElement.textContent")
        page.keyboard.press("j")
        page.keyboard.press("j")
        page.keyboard.press("k")
        page.keyboard.press("Enter")
        page.get_by_role("group", name="Waterfall").wait_for()
        opened = page.url
        page.keyboard.press("j")
        page.wait_for_url(lambda url: url != opened)
        page.keyboard.press("Escape")
        page.wait_for_url("**/requests")

    assert first_stop == "Skip to the page"
    assert opened.endswith("/requests/newest")


def test_the_keyboard_walks_over_the_bars_of_a_waterfall(busy):
    with watched_page(busy) as watched:
        page = settled(watched.page, f"{busy}/requests/newest")
        page.locator("[data-bar]").first.focus()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        focused = page.evaluate("() => document.activeElement.getAttribute('aria-label')")
        selected = page.locator(".selected").inner_text()

    assert focused.split(":")[0].split(" of ")[0] in selected


def test_what_no_event_explains_is_a_named_row(busy):
    with watched_page(busy) as watched:
        page = settled(watched.page, f"{busy}/requests/talk")
        page.locator("svg .hatched").first.click()
        selected = page.locator(".selected").inner_text()
        picture = page.locator(".waterfall").inner_text()

    assert "no event says what happened in this time" in selected
    assert "unattributed" in picture
    assert "no end event" in picture


def test_the_picture_is_readable_as_tables_too(busy):
    with watched_page(busy) as watched:
        page = settled(watched.page, f"{busy}/requests/talk")
        page.get_by_role("button", name="as table").click()
        words = page.get_by_role("region", name="Waterfall as tables").inner_text()

    assert "unattributed" in words
    assert "no end event" in words


def test_three_times_to_first_audio_stand_side_by_side(busy):
    with watched_page(busy) as watched:
        page = settled(watched.page, f"{busy}/requests/server-only")
        firsts = page.locator(".firsts").inner_text()
        note = page.locator(".note").inner_text()

    assert all(name in firsts for name in ("ttfb_ms", "first_audio_ms", "ttfa_ms"))
    assert "not measured: no client events" in firsts
    assert note.startswith("client events missing")


def test_a_picture_of_services_whose_clocks_disagree_says_that_their_order_is_not_known(tmp_path):
    store = open_store(tmp_path)
    # The service that got the message notes it long before the one that sent it does.
    said = [("stt_sending_to_v34", 900, "stt"), ("v34_webhook_received", 0, "v34"), ("v34_ollama_sent", 20, "v34")]
    tell(store, [event(name, at, service, request_id="skewed", clock="") for name, at, service in said])
    with served(store) as address, watched_page(address) as watched:
        note = settled(watched.page, f"{address}/requests/skewed").locator(".note").inner_text()

    assert note.startswith("The order between services is not known: their clocks disagree (effect_before_cause).")
    store.close()


def test_a_filter_is_part_of_the_address(busy):
    with watched_page(busy) as watched:
        page = settled(watched.page, f"{busy}/requests")
        page.get_by_label("Status").select_option("error")
        page.get_by_text("1 request shown").wait_for()
        address = page.url
        settled(page, address)
        rows = page.locator("tbody tr").count()

    assert "outcome=error" in address
    assert rows == 1


def test_a_cell_of_the_heatmap_leads_to_its_requests(busy):
    with watched_page(busy) as watched:
        page = settled(watched.page, busy)
        cell = page.locator("a:has(.cell)").last
        count = int(cell.get_attribute("aria-label").split()[0])
        cell.click()
        page.get_by_text(f"{count} request").first.wait_for()

    assert "min_ms=" in page.url


def test_what_events_carry_is_text_and_nothing_else(tmp_path):
    store = open_store(tmp_path)
    hostile = PAYLOAD.replace("x ", "y ")
    events = request(request_id=PAYLOAD, now_ns=wall_ns(), ago_s=2, voice=PAYLOAD, **{PAYLOAD: hostile})
    poisoned = [
        each._replace(
            session_id=hostile, metadata={**each.metadata, "voice": PAYLOAD, "engine": PAYLOAD, PAYLOAD: [hostile]}
        )
        for each in events
    ]
    strange = poisoned[0]._replace(name=PAYLOAD, service=PAYLOAD, event_id="strange")
    tell(store, [*poisoned, strange])
    with served(store) as address, watched_page(address) as watched:
        page = settled(watched.page, f"{address}/requests")
        page.locator("[data-row]").first.click()
        page.get_by_role("group", name="Waterfall").wait_for()
        page.locator("summary").click()
        page.get_by_role("button", name="<img").first.click()
        title, images = page.title(), page.locator("img").count()
        settled(page, address)
        images += page.locator("img").count()

    assert (title, images) == ("Request · Voxtrace", 0)
    assert (watched.errors, watched.elsewhere) == ([], [])
    store.close()


def test_ten_megabytes_of_metadata_do_not_freeze_the_page(tmp_path):
    store = open_store(tmp_path)
    first, *rest = request(request_id="big", now_ns=wall_ns(), ago_s=2)
    tell(store, [first._replace(metadata={**first.metadata, "note": "x" * 10_000_000}), *rest])
    with served(store) as address, watched_page(address) as watched:
        page = settled(watched.page, f"{address}/requests/big")
        page.locator("summary").click()
        page.get_by_role("button", name="REQUEST_START").click()
        shown = page.locator(".selected").inner_text()

    assert "10,000,000 characters" in shown
    assert len(shown) < 5_000
    store.close()


def test_a_query_that_fails_is_said_where_it_failed_and_can_be_tried_again(busy):
    with watched_page(busy) as watched:
        page = watched.page
        answer = {"status": 503, "json": {"error": {"code": "store_busy", "message": "try again"}}}
        page.route("**/api/overview*", lambda route: route.fulfill(**answer))
        page.goto(busy)
        page.get_by_text("query failed: store_busy").wait_for()
        alive = page.get_by_text("LIVE", exact=True).is_visible()
        page.unroute("**/api/overview*")
        page.get_by_role("button", name="retry").click()
        page.get_by_role("heading", name="Time to first audio", exact=False).first.wait_for()

        assert page.get_by_text("query failed").count() == 0
    assert alive


def test_while_the_numbers_come_their_place_is_kept(busy):
    with watched_page(busy) as watched:
        page = watched.page
        waiting = []
        page.route("**/api/overview*", lambda route: waiting.append(route))
        page.goto(busy)
        page.locator(".skeleton").first.wait_for()
        skeletons = page.locator(".skeleton").count()
        waiting[0].continue_()
        page.unroute("**/api/overview*")
        page.locator(".big").first.wait_for()

        assert page.locator(".skeleton").count() == 0
    assert skeletons >= 2


def test_a_silent_server_makes_the_page_stale_and_a_speaking_one_mends_it(busy):
    hello = {"type": "hello", "proto": 1, "server_id": "s", "assets": load_assets().digest}
    snapshot = {"type": "snapshot", "seq": 1, "accounts": None, "conflated": 0}
    ends: list[WebSocketRoute] = []

    def far_end(socket: WebSocketRoute) -> None:
        """Greets, answers once, and says nothing more: a process that was stopped."""
        ends.append(socket)
        socket.on_message(lambda _: socket.send(json.dumps(snapshot)))
        socket.send(json.dumps(hello))

    with watched_page(busy) as watched:
        page = watched.page
        page.route_web_socket("**/ws", far_end)
        settled(page, busy)
        page.get_by_text("STALE").wait_for()
        banner = page.get_by_role("alert").inner_text()
        hatched = page.locator("main.stale .card").count()
        ends[0].send(json.dumps({"type": "ping", "seq": 1}))
        page.get_by_text("LIVE", exact=True).wait_for()

        assert page.locator("main.stale").count() == 0
    assert "as of" in banner
    assert hatched > 0


def test_a_page_of_an_older_version_asks_to_be_loaded_again(busy):
    hello = {"type": "hello", "proto": 1, "server_id": "s", "assets": "000000000000"}
    with watched_page(busy) as watched:
        watched.page.route_web_socket("**/ws", lambda socket: socket.send(json.dumps(hello)))
        watched.page.goto(busy)

        assert "upgraded" in watched.page.get_by_role("alert").inner_text()


def test_an_unknown_page_and_an_unknown_request_say_so(busy):
    with watched_page(busy) as watched:
        page = watched.page
        page.goto(f"{busy}/requests/nobody")
        page.get_by_text("no_such_request").wait_for()
        heading = page.locator("h1").inner_text()

    assert "nobody" in heading
