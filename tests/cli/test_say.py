import io
import json
import subprocess
import sys

import pytest

from tests.client.answers import END, MS, chunk, head, pcm, wav, whole
from tests.client.scripted_server import CLOSE, ScriptedServer
from voxtrace.cli.main import main
from voxtrace.events import Event
from voxtrace.events.codec import decode, encode

SPEECH = (
    head(content_type="audio/wav", server_timing="queue;dur=0.12, text;dur=1, total"),
    chunk(wav(pcm(30, 70))),
    END,
)


@pytest.fixture
def say(tmp_path, monkeypatch):
    """`say(server, ...)` runs the command in a folder of its own and answers with its exit code."""
    monkeypatch.chdir(tmp_path)

    def run(server, *arguments):
        return main(["say", "--url", server.url, "--data", str(tmp_path / "data"), *arguments])

    return run


def spooled(tmp_path):
    return [decode(line) for path in (tmp_path / "data" / "spool").iterdir() for line in path.read_bytes().splitlines()]


def test_it_says_what_it_heard_and_when(say, tmp_path, capsys):
    with ScriptedServer(*SPEECH) as server:
        code = say(server, "Hello", "world", "--out", "said.wav", "--request-id", "mine")
    printed = capsys.readouterr().out

    assert code == 0
    assert "wrote said.wav  0.10 s of audio  alloy, wav, 11 characters" in printed
    assert "TTFA" in printed
    assert "then silence 30.0 ms" in printed
    assert "leading silence" in printed
    assert "voxtrace show mine" in printed
    assert (tmp_path / "said.wav").stat().st_size == 44 + 100 * MS


def test_its_events_lie_in_the_spool(say, tmp_path):
    with ScriptedServer(*SPEECH) as server:
        say(server, "Hello", "--out", "said.wav", "--request-id", "mine")
    events = spooled(tmp_path)

    assert {(event.request_id, event.service) for event in events} == {("mine", "client")}
    assert [events[0].name, events[-1].name] == ["REQUEST_START", "REQUEST_COMPLETE"]


def test_with_tracking_off_the_numbers_are_the_same_and_nothing_is_written(say, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("VOXTRACE_LEVEL", "off")
    with ScriptedServer(*SPEECH) as server:
        say(server, "Hello", "--out", "said.wav")

    assert "then silence 30.0 ms" in capsys.readouterr().out
    assert not (tmp_path / "data").exists()


def test_the_servers_own_header_is_shown_as_what_it_is(say, capsys):
    with ScriptedServer(*SPEECH) as server:
        say(server, "Hello", "--out", "said.wav")

    assert "by its own Server-Timing header: queue 0.12 ms · text 1.00 ms\n" in capsys.readouterr().out


def test_the_servers_events_of_the_same_data_folder_are_joined(say, tmp_path, capsys):
    spool = tmp_path / "data" / "spool"
    spool.mkdir(parents=True)
    now = 1_764_253_805_015_000_000
    (spool / "host-1-a.jsonl").write_bytes(
        b"".join(
            encode(Event("mine", "server", name, now, name, 1, "elsewhere/1.a/boot", number))
            for number, name in enumerate(("REQUEST_RECEIVED", "REQUEST_COMPLETE"))
        )
    )
    with ScriptedServer(whole(pcm(0, 60), x_voxtrace_received=f"{now}")) as server:
        say(server, "Hello", "--out", "said.pcm", "--request-id", "mine", "--json")
    turn = json.loads(capsys.readouterr().out)["turns"][0]

    assert {mark["service"] for mark in turn["marks"]} == {"client", "server"}


def test_json_holds_the_turn_and_what_became_of_the_sound(say, capsys):
    with ScriptedServer(*SPEECH) as server:
        code = say(server, "Hello", "--json", "--out", "said.wav")
    said = json.loads(capsys.readouterr().out)

    assert code == 0
    assert (said["requests"], said["file"], said["played"], said["error"]) == (1, "said.wav", False, None)
    assert said["turns"][0]["metrics"]["leading_silence_ms"]["value"] == 30.0


def test_json_tells_of_a_failure_too(say, capsys):
    with ScriptedServer(head(), chunk(pcm(0, 60)), CLOSE) as server:
        code = say(server, "Hello", "--json", "--out", "said.pcm")
    printed = capsys.readouterr()
    said = json.loads(printed.out)

    assert code == 3
    assert said["error"]["code"] == "cut_short"
    assert said["turns"][0]["labels"]["outcome"] == "error"
    assert "in the middle of its answer" in printed.err


def test_a_refusal_is_one_line_and_the_exit_code_of_wrong_input(say, capsys):
    with ScriptedServer(whole(b'{"error":{"message":"no voice x"}}', 400, "application/json")) as server:
        code = say(server, "Hello", "--voice", "x")
    printed = capsys.readouterr()

    assert code == 2
    assert (printed.out, printed.err) == ("", "voxtrace: the server refused (400): no voice x\n")


def test_sound_for_a_player_is_alone_on_the_standard_output(say, capfdbinary):
    with ScriptedServer(*SPEECH) as server:
        code = say(server, "Hello", "--out", "-")
    printed = capfdbinary.readouterr()

    assert code == 0
    assert printed.out[:4] == b"RIFF"
    assert printed.out[44:] == pcm(30, 70)
    assert b"TTFA" in printed.err


def test_quiet_prints_nothing(say, capsys):
    with ScriptedServer(*SPEECH) as server:
        say(server, "Hello", "--quiet", "--out", "said.wav")

    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("arguments", [[], ["-"]])
def test_text_comes_from_the_standard_input(say, monkeypatch, arguments):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("\ufeffGrüße aus der Pipe\n".encode())))
    with ScriptedServer(*SPEECH) as server:
        code = say(server, *arguments, "--quiet", "--out", "said.wav")

    assert code == 0
    assert b"Gr\\u00fc\\u00dfe aus der Pipe" in server.requests[0]


def test_text_comes_from_a_file(say, tmp_path):
    (tmp_path / "story.txt").write_text("Once upon a time", "utf-8")
    with ScriptedServer(*SPEECH) as server:
        say(server, "--file", "story.txt", "--quiet", "--out", "said.wav")

    assert b"Once upon a time" in server.requests[0]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["   "], "nothing to say"),
        (["Hello", "--file", "x"], "not both"),
        (["--file", "no-such-file"], "No such file"),
        (["--file", "latin1.txt"], "not UTF-8 at byte 2"),
        (["Hello", "--speed", "9"], "from 0.25 to 4"),
        (["Hello", "--timeout", "0"], "more than 0"),
        (["Hello", "--request-id", "a b"], "letters, digits"),
        (["Hello", "--key-env", "NO_SUCH_VARIABLE"], "no environment variable"),
        (["Hello", "--out", "no/such/folder.wav"], "can't be written"),
    ],
)
def test_wrong_usage_is_one_clear_line(say, tmp_path, capsys, arguments, says):
    (tmp_path / "latin1.txt").write_bytes("Grüße".encode("latin-1"))
    with ScriptedServer(*SPEECH) as server:
        code = say(server, *arguments)
    printed = capsys.readouterr()

    assert code == 2
    assert says in printed.err
    assert printed.err.count("\n") == 1


@pytest.mark.slow
def test_what_takes_long_to_load_waits_until_the_text_is_on_its_way():
    check = (
        "import sys, voxtrace.cli.say, voxtrace.client.saying, voxtrace.client.player;"
        "print({'numpy', 'rich', 'ssl', 'av', 'sounddevice', 'asyncio'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"


def test_a_text_can_be_said_as_it_is_written(say):
    with ScriptedServer(*SPEECH) as server:
        say(server, "5 km", "--as-written", "--out", "said.wav")
        asked = json.loads(server.requests[0].partition(b"\r\n\r\n")[2])

    assert (asked["input"], asked["normalise"]) == ("5 km", False)
