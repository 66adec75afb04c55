"""What `voxtrace say` prints: what was heard, when, and where the time went."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from msgspec.structs import replace
from rich.console import Console
from rich.text import Text

from voxtrace.analysis import Turn, assemble
from voxtrace.client.nearby import wait_for_server_events
from voxtrace.client.saying import Progress, Said, Saying
from voxtrace.events import Event
from voxtrace.reports.json_report import turn_to_json
from voxtrace.reports.terminal import list_of_turns
from voxtrace.reports.waterfall import waterfall
from voxtrace.reports.words import amount, state
from voxtrace.tracker.identity import new_identity
from voxtrace.units import Nanos, nanos_from_millis

PIPED_WIDTH = 100
PARTS = ("ttfb_ms", "first_audio_ms", "leading_silence_ms")


def print_json(saying: Saying, data: Path, to: TextIO) -> None:
    """The turns in the form that every view uses, and what became of the sound."""
    sound = saying.sound
    failure = saying.failure
    facts = {
        "requests": saying.requests,
        "file": str(sound.file) if sound.file else None,
        "played": sound.played,
        "player": saying.player.url if saying.player else None,
        "player_problem": str(sound.problem) if sound.problem else None,
        "error": {"code": failure.code, "message": str(failure)} if failure else None,
        "turns": [turn_to_json(turn) for turn in turns_of(saying, data)],
    }
    print(json.dumps(facts, indent=2), file=to)


def print_report(saying: Saying, data: Path, to: TextIO) -> None:
    """For people: the sound, time to first audio with its parts, a waterfall up to there."""
    console = Console(file=to, highlight=False)
    if not console.is_terminal:
        console = Console(file=to, highlight=False, width=PIPED_WIDTH)
    turns = turns_of(saying, data)
    console.print(_sound_line(saying, turns))
    if len(turns) > 1:
        console.print(list_of_turns(turns))
    first = turns[0]
    console.print(_ttfa_line(first))
    if saying.player and saying.sound.played:
        console.print(_heard_line(first))
    console.print(waterfall(_until_heard(first), console.width), end="")
    timing = _server_timing(saying.said[0])
    if timing and not any(mark.stage.startswith("server.") for mark in first.marks):
        console.print(f"inside the server, by its own Server-Timing header: {timing}", style="dim")
    if saying.failure is None:
        console.print(_stall_line(first))
    console.print(f"all of it: voxtrace show {first.request_id}", style="dim")


def turns_of(saying: Saying, data: Path) -> list[Turn]:
    """A turn for each request, joined with the server's events where they are at hand."""
    ours = [said for said in saying.said if "server_recv_wall_ns" in _headers(said)]
    theirs = (
        wait_for_server_events(data, [said.request_id for said in ours]) if ours and saying.endpoint.is_here else []
    )
    if saying.player and saying.player.events:
        # What it told ourselves also lies in the spool, where the player shares our data folder.
        theirs = [event for event in theirs if event.service != "player"] + saying.player.events
    clock = new_identity().clock
    return [
        assemble(
            said.request_id,
            [
                *_events(said, clock, saying.session_id),
                *(event for event in theirs if event.request_id == said.request_id),
            ],
        )
        for said in saying.said
    ]


def _events(said: Said, clock: str, session_id: str | None) -> list[Event]:
    return [
        Event(
            said.request_id,
            "client",
            moment.name,
            moment.at.wall_ns,
            f"{said.request_id}/{number}",
            moment.at.mono_ns,
            clock,
            number,
            session_id,
            moment.metadata,
        )
        for number, moment in enumerate(said.moments)
    ]


def _headers(said: Said) -> dict[str, object]:
    return next((moment.metadata for moment in said.moments if moment.name == "HEADERS_RECEIVED"), {})


def _server_timing(said: Said) -> str:
    """The header's entries in words: `queue;dur=0.12` becomes `queue 0.12 ms`."""
    words = []
    for entry in str(_headers(said).get("server_timing", "")).split(","):
        name, *parameters = (part.strip() for part in entry.split(";"))
        duration = next((value[4:] for value in parameters if value.startswith("dur=")), "")
        try:
            words.append(f"{name} {amount(float(duration), 'ms')}")
        except ValueError:
            continue
    return " · ".join(words)


def _sound_line(saying: Saying, turns: list[Turn]) -> Text:
    sound, asked = saying.sound, saying.said[0].request
    audio = [turn.metrics["audio_ms"].value for turn in turns]
    known = [length for length in audio if length is not None]
    length = f"{sum(known) / 1000:.2f} s of audio" if len(known) == len(audio) else "audio of unknown length"
    line = Text()
    if sound.played:
        line.append(f"played {length}")
        if saying.player:
            line.append(f" through {saying.player.url} ({saying.player.device})")
    elif sound.file:
        line.append(f"wrote {sound.file}", style="bold").append(f"  {length}")
    else:
        line.append(length)
    spoken = sum(len(said.request.text) for said in saying.said)
    line.append(f"  {asked.voice}, {asked.format}, {spoken:,} characters", style="dim")
    if saying.requests > 1:
        line.append(f" in {len(saying.said)} of {saying.requests} requests", style="dim")
    if sound.problem:
        line.append(f"\n{sound.problem}", style="yellow")
    elif sound.unasked:
        line.append("\nit was not played: this machine shows no sound device or player", style="dim")
    return line


def _ttfa_line(turn: Turn) -> Text:
    ttfa = turn.metrics["ttfa_ms"]
    line = Text("\nTTFA ", style="bold")
    line.append(state("ttfa_ms", ttfa), style="bold" if ttfa.measured else "yellow")
    measured = [name for name in PARTS if name in turn.metrics and turn.metrics[name].measured]
    names = {"ttfb_ms": "first byte", "first_audio_ms": "first audio", "leading_silence_ms": "then silence"}
    parts = " · ".join(f"{names[name]} {state(name, turn.metrics[name])}" for name in measured)
    return line.append(f"   {parts}", style="not bold dim") if parts else line


def _heard_line(turn: Turn) -> Text:
    heard, underruns = turn.metrics["heard_ms"], turn.metrics.get("underrun_count")
    line = Text("heard ", style="bold").append(state("heard_ms", heard), style="bold" if heard.measured else "yellow")
    if heard.measured and heard.note:
        line.append(f"   {heard.note}", style="not bold dim")
    if underruns is not None:
        count = state("underrun_count", underruns)
        line.append(f" · underruns {count}", style="yellow" if underruns.value else "not bold dim")
    return line


def _until_heard(turn: Turn) -> Turn:
    """The turn up to the first audible sample; all of it where that is not known."""
    ttfa = turn.metrics["ttfa_ms"].value
    if ttfa is None or not any(not part.waited for part in turn.parts):
        return turn
    heard = Nanos(min(nanos_from_millis(ttfa), turn.total))
    return replace(turn, total=heard, parts=tuple(part for part in turn.parts if part.waited))


def _stall_line(turn: Turn) -> Text:
    count, stalled = turn.metrics["stall_count"], turn.metrics["stall_ms"]
    if count.value is None or stalled.value is None:
        return Text(f"stalls {state('stall_count', count)}", style="yellow")
    if not count.value:
        return Text("a player that starts at the first audio never runs dry", style="dim")
    need = state("required_prebuffer_ms", turn.metrics["required_prebuffer_ms"])
    how = f"{count.value:.0f} stalls, {amount(stalled.value, 'ms')} together; a start {need} later would avoid them"
    return Text(how, style="yellow")


@contextmanager
def progress() -> Iterator[Callable[[Progress], None]]:
    """A line on the terminal that tells how far a long text has come."""
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("waiting for the first sound", total=None)

        def show(now: Progress) -> None:
            audio = "" if now.audio_s is None else f", {now.audio_s:.1f} s of audio"
            which = f"request {now.request} of {now.requests}" if now.requests > 1 else "receiving"
            total = now.requests if now.requests > 1 else None
            bar.update(task, description=which + audio, total=total, completed=now.request - 1)

        yield show
