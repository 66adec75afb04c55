"""`voxtrace serve` as a person types it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.raw_client import Answer, open_request, read_answer, request_bytes

pytestmark = pytest.mark.slow

BODY = b'{"input": "Hello", "response_format": "pcm"}'


def command(folder: Path, *flags: str) -> list[str]:
    return [sys.executable, "-m", "voxtrace", "serve", "--data", str(folder), *flags]


def run(folder: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(folder, *flags), capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A server that was started by the command, with one engine."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("serve")
    process = subprocess.Popen(
        command(folder, "--port", str(port), "--workers", "1"), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert f"http://127.0.0.1:{port}" in line
    yield port
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 0


def ask(port: int, **headers: str) -> Answer:
    request = request_bytes(BODY, **headers)
    if "host" in headers:
        request = request.replace(b"host: 127.0.0.1\r\n", b"", 1)
    return read_answer(open_request(port, request))


def test_it_speaks(port):
    answer = ask(port)

    assert (answer.status, answer.is_complete) == (200, True)
    assert len(answer.body) > 10_000


def test_before_anything_was_measured_there_are_no_numbers_and_a_reason(port):
    request = request_bytes(b"", path="/performance/ttfa").replace(b"POST", b"GET", 1)
    answer = read_answer(open_request(port, request))

    assert (answer.status, answer.error["code"]) == (503, "not_measured")
    assert "voxtrace watch" in answer.error["message"]


def test_a_page_of_another_origin_may_not_make_it_speak(port):
    assert ask(port, origin="http://evil.example").status == 403
    assert ask(port, origin=f"http://127.0.0.1:{port + 1}", sec_fetch_site="same-site").status == 403


def test_a_name_that_is_not_ours_is_refused(port):
    assert ask(port, host="evil.example").status == 400


def test_a_refusal_at_the_door_looks_like_every_other_error(port):
    answer = ask(port, host="evil.example", x_request_id="mine")

    assert set(answer.error) == {"message", "type", "param", "code"}
    assert answer.headers["x-request-id"] == "mine"


def test_a_port_in_use_is_one_clear_line(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as holder:
        done = run(tmp_path, "--port", str(holder.getsockname()[1]))

    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "is in use" in done.stderr


def test_other_machines_are_let_in_only_when_that_is_spelled_out(tmp_path):
    done = run(tmp_path, "--host", "0.0.0.0", "--port", "1")

    assert done.returncode == 2
    assert "--allow-anonymous" in done.stderr


def test_an_address_of_another_machine_is_one_clear_line(tmp_path):
    done = run(tmp_path, "--host", "192.0.2.1", "--allow-anonymous", "--port", "8999")

    assert done.returncode == 2
    assert "192.0.2.1" in done.stderr


def test_with_keys_other_machines_may_ask_and_whoever_has_none_is_refused(tmp_path):
    keys = tmp_path / "keys.txt"
    keys.write_text("0123456789abcdef0123456789abcdef  # for the tests\n")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    environ = os.environ | {"VOXTRACE_API_KEYS_FILE": str(keys), "VOXTRACE_REQUESTS_PER_MINUTE": "1"}
    process = subprocess.Popen(
        command(tmp_path, "--host", "0.0.0.0", "--port", str(port)), stdout=subprocess.PIPE, text=True, env=environ
    )
    try:
        assert process.stdout is not None
        assert "ready" in process.stdout.readline()
        stranger, wrong = ask(port), ask(port, authorization="Bearer 0123")
        right = ask(port, authorization="Bearer 0123456789abcdef0123456789abcdef")
        again = ask(port, authorization="Bearer 0123456789abcdef0123456789abcdef")
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)

    assert (stranger.status, wrong.status, right.status, again.status) == (401, 401, 200, 429)
    assert (wrong.error["code"], again.error["code"]) == ("invalid_api_key", "rate_limit_exceeded")
    assert 55 <= int(again.headers["retry-after"]) <= 60


def test_keys_that_can_not_be_read_are_one_clear_line(tmp_path):
    environ = os.environ | {"VOXTRACE_API_KEYS_FILE": str(tmp_path / "nowhere")}
    done = subprocess.run(
        command(tmp_path, "--port", "8997"), capture_output=True, text=True, timeout=60, check=False, env=environ
    )

    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "nowhere" in done.stderr
