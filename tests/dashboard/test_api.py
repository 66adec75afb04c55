"""The pages' data over HTTP: its errors are JSON with a code, and asking changes nothing."""

import pytest
from starlette.testclient import TestClient

from tests.dashboard.stories import NOW_NS, StoppedClock, request, tell
from voxtrace.analysis import assemble
from voxtrace.dashboard import Changes, build_app
from voxtrace.reports.json_report import turn_to_json
from voxtrace.store.errors import StoreBusy


def browser_of(store):
    return TestClient(build_app(store, Changes(), clock=StoppedClock()), base_url="http://localhost")


class BrokenStore:
    """A store whose every answer is an error."""

    def __init__(self, error):
        self.error = error

    def recent(self, query):
        raise self.error

    requests = events_of = recent

    def accounts(self):
        raise self.error


def test_a_request_is_told_in_the_same_words_as_on_the_command_line(store):
    [request_id] = tell(store, request())

    answer = browser_of(store).get(f"/api/requests/{request_id}").json()

    assert answer == turn_to_json(assemble(request_id, store.events_of([request_id])[request_id]))


@pytest.mark.parametrize(
    "request_id", ["a/b", "../../etc/passwd", "%", "x y?&#", "\u202eabc", "<img src=x onerror=alert(1)>"]
)
def test_an_id_may_hold_anything(store, request_id):
    from urllib.parse import quote

    tell(store, request(request_id=request_id))

    answer = browser_of(store).get(f"/api/requests/{quote(request_id, safe='')}")

    assert (answer.status_code, answer.json()["request_id"]) == (200, request_id)


@pytest.mark.parametrize(
    ("address", "status", "code"),
    [
        ("/api/requests/nobody", 404, "no_such_request"),
        ("/api/overview?minutes=x", 400, "invalid_option"),
        ("/api/overview?minutes=0", 400, "invalid_option"),
        ("/api/overview?minutes=nan", 400, "invalid_option"),
        ("/api/requests?limit=100000", 400, "invalid_option"),
        ("/api/requests?metric=no_such", 400, "invalid_option"),
        ("/api/requests?before=x", 400, "bad_cursor"),
        ("/api/requests?min_ms=inf", 400, "invalid_option"),
        ("/api/requests?since=1e300", 400, "invalid_option"),
    ],
)
def test_a_wrong_question_is_answered_with_a_code(store, address, status, code):
    answer = browser_of(store).get(address)

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


@pytest.mark.parametrize("address", ["/api/overview", "/api/requests", "/api/requests/x", "/api/accounts"])
def test_a_busy_store_is_a_503_that_says_what_to_do(tmp_path, address):
    answer = browser_of(BrokenStore(StoreBusy(tmp_path))).get(address)

    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "store_busy")
    assert "try again" in answer.json()["error"]["message"]


def test_an_unforeseen_error_gives_an_id_and_no_traceback(caplog):
    answer = browser_of(BrokenStore(RuntimeError("secret"))).get("/api/overview")
    error_id = answer.json()["error"]["message"].split()[-1]

    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal")
    assert "secret" not in answer.text
    assert error_id in caplog.text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_nothing_can_be_changed_through_the_pages(store, method):
    tell(store, request(request_id="r"))
    browser = browser_of(store)

    for address in ("/api/overview", "/api/requests", "/api/requests/r", "/api/neighbours", "/api/accounts", "/"):
        assert browser.request(method, address).status_code == 405


def test_asking_changes_nothing(store):
    tell(store, request(request_id="r"))
    browser = browser_of(store)
    before = store.path.stat().st_mtime_ns, store.accounts()

    for address in (
        "/",
        "/api/overview",
        "/api/requests?q=r",
        "/api/requests/r",
        "/api/neighbours?id=r",
        "/api/accounts",
    ):
        browser.get(address)

    assert (store.path.stat().st_mtime_ns, store.accounts()) == before


def test_answers_are_never_kept(store):
    assert browser_of(store).get("/api/overview").headers["cache-control"] == "no-store"


def test_the_accounts_add_up(store):
    tell(store, request())
    accounts = browser_of(store).get("/api/accounts").json()

    assert accounts["received"] == accounts["stored"] > 0
    assert accounts["unaccounted"] == 0


def test_the_page_is_as_of_the_servers_clock(store):
    assert browser_of(store).get("/api/overview").json()["now"] == NOW_NS / 1e9
