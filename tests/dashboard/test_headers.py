"""The headers that a browser needs to protect the page, on every answer."""

import pytest
from starlette.testclient import TestClient

from voxtrace.cli.front_door import FrontDoor
from voxtrace.dashboard import Changes, build_app
from voxtrace.dashboard.headers import SafeHeaders

EXPECTED = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; worker-src 'self'; media-src 'self' blob:; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "permissions-policy": "microphone=(), camera=()",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


@pytest.mark.parametrize(
    ("method", "address"),
    [("GET", "/"), ("GET", "/requests/x"), ("GET", "/nowhere"), ("POST", "/"), ("GET", "/static/0/x.js")],
)
def test_every_answer_carries_the_safe_headers(method, address):
    browser = TestClient(build_app(object, Changes()), base_url="http://localhost")

    headers = browser.request(method, address).headers

    assert {name: headers.get(name) for name in EXPECTED} == EXPECTED
    assert "access-control-allow-origin" not in headers
    assert "cache-control" in headers


def test_who_is_turned_away_at_the_door_gets_the_safe_headers_too():
    house = SafeHeaders(FrontDoor(build_app(object, Changes())))

    answer = TestClient(house, base_url="http://evil.test").get("/")

    assert answer.status_code == 400
    assert {name: answer.headers.get(name) for name in EXPECTED} == EXPECTED
