import threading

from voxtrace.client.nearby import wait_for_server_events
from voxtrace.events import Event
from voxtrace.events.codec import encode

NOW = 1_764_253_805_015_000_000


def line(request_id, name, service="server"):
    return encode(Event(request_id, service, name, NOW, f"{request_id}{service}{name}", 1, "host/1.a/boot", 1))


def write(data, *lines, name="host-1-a.jsonl"):
    (data / "spool").mkdir(exist_ok=True)
    (data / "spool" / name).write_bytes(b"".join(lines))


def test_the_servers_events_of_the_request_are_found_and_no_others(tmp_path):
    write(tmp_path, line("a", "REQUEST_RECEIVED"), line("b", "REQUEST_RECEIVED"), line("a", "REQUEST_START", "client"))
    write(tmp_path, b'not json "a"\n', line("a", "REQUEST_COMPLETE"), b'{"torn": "a"', name="host-2-b.jsonl")

    assert {event.name for event in wait_for_server_events(tmp_path, ["a"])} == {"REQUEST_RECEIVED", "REQUEST_COMPLETE"}


def test_without_a_spool_there_is_nothing(tmp_path):
    assert wait_for_server_events(tmp_path / "nothing", ["a"], patience_ms=1) == []


def test_a_request_that_has_ended_is_not_waited_for(tmp_path):
    write(tmp_path, line("a", "REQUEST_COMPLETE"))

    assert len(wait_for_server_events(tmp_path, ["a"], patience_ms=10**9)) == 1


def test_patience_ends_with_what_there_is(tmp_path):
    write(tmp_path, line("a", "REQUEST_RECEIVED"))

    assert len(wait_for_server_events(tmp_path, ["a"], patience_ms=1)) == 1


def test_what_is_written_while_waiting_is_read_once(tmp_path):
    write(tmp_path, line("a", "REQUEST_RECEIVED"), line("a", "PROCESSING_START")[:40])
    path = tmp_path / "spool" / "host-1-a.jsonl"

    def finish():
        with path.open("ab") as spool:
            spool.write(line("a", "PROCESSING_START")[40:] + line("a", "REQUEST_COMPLETE"))

    later = threading.Timer(0.05, finish)
    later.start()
    events = wait_for_server_events(tmp_path, ["a"], patience_ms=30_000)
    later.join()

    assert [event.name for event in events] == ["REQUEST_RECEIVED", "PROCESSING_START", "REQUEST_COMPLETE"]
