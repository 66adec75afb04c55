"""What the player tells its clients, in the envelope and under the names that older audio daemons used."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from voxtrace import __version__
from voxtrace.client.playback.errors import PlaybackError
from voxtrace.client.playback.stage import Stage
from voxtrace.client.playback.utterance import Report, Utterance
from voxtrace.units import NANOS_PER_MILLI, NANOS_PER_SECOND


@dataclass(frozen=True, slots=True)
class Answer:
    """One message to a client."""

    type: str
    data: dict[str, Any] = field(default_factory=dict)

    def text(self, wall_ns: int) -> str:
        """The envelope: type, milliseconds since 1970, data."""
        return json.dumps({"type": self.type, "timestamp": wall_ns // NANOS_PER_MILLI, "data": self.data})


@dataclass(slots=True)
class Stream:
    """How the sound of one client's newest utterance came, and what became of it. None: not known (yet)."""

    sample_rate_hz: int | None = None
    frame_bytes: int | None = None
    chunks: int = 0
    bytes: int = 0
    audio_ms: float = 0.0
    first_chunk_ms: int | None = None  # since 1970
    last_chunk_ms: int | None = None
    started_ns: int | None = None  # on the player's clock
    completed: Report | None = None

    def arrived(self, size: int, wall_ns: int) -> None:
        """One chunk came."""
        now_ms = wall_ns // NANOS_PER_MILLI
        self.first_chunk_ms = now_ms if self.first_chunk_ms is None else self.first_chunk_ms
        self.last_chunk_ms = now_ms
        self.chunks += 1
        self.bytes += size
        if self.sample_rate_hz and self.frame_bytes:
            self.audio_ms += size * 1000 / (self.frame_bytes * self.sample_rate_hz)

    def told(self, report: Report) -> None:
        """Something happened to an utterance of the client."""
        if report.name == "playback.started":
            self.started_ns, self.completed = report.at_ns, None
        elif report.name == "playback.completed":
            self.completed = report


def error(why: PlaybackError, request_id: str | None) -> Answer:
    """What went wrong; the connection goes on."""
    return Answer("error", {"message": str(why), "code": why.code, "requestId": request_id})


def completed(stage: Stage, utterance: Utterance, reports: Sequence[Report], stream: Stream) -> Answer:
    """The last sample left the device; with every moment of the utterance, for whoever joins them to a trace."""
    facts = reports[-1].metadata
    now_wall_ns = stage.clock.wall_ns() - stage.clock.mono_ns()
    return Answer(
        "completed",
        {
            **status(stage, utterance.owner, stream),
            "requestId": utterance.request_id,
            "outcome": facts["outcome"],
            "error": facts.get("error"),
            "playedMs": facts["played_ms"],
            "underruns": facts["underruns"],
            "underrunMs": facts["underrun_ms"],
            "prebufferMs": facts["prebuffer_ms"],
            "droppedMs": facts["dropped_ms"],
            "clock": stage.clock_name,
            "events": [
                {
                    "name": each.name,
                    "mono_ns": each.at_ns,
                    "wall_ns": each.at_ns + now_wall_ns,
                    "metadata": each.metadata,
                }
                for each in reports
            ],
        },
    )


def status(stage: Stage, owner: int, stream: Stream) -> dict[str, Any]:
    """How it is for one client."""
    player = stage.player
    current = player.current
    mine = current is not None and current.owner == owner
    state = "paused" if player.is_paused(owner) else "playing" if mine else "idle"
    return {
        "state": state,
        "bufferUtilization": round(player.fill(owner), 4),
        "audioPosition": round(current.ms(current.played) / 1000, 3) if current is not None and mine else 0,
        "requestId": current.request_id if current is not None and mine else None,
        "queued": current is not None and not mine,
        "prebufferMs": player.prebuffer.target_ms,
        "device": stage.device.name,
        "performance": {
            "isPlaying": state == "playing",
            "isPaused": state == "paused",
            "bufferUtilization": round(player.fill(owner), 4),
            "stats": {"chunksReceived": stream.chunks, "bytesReceived": stream.bytes},
            "lastHeartbeat": stage.clock.wall_ns() // NANOS_PER_MILLI,
            "timing": timing_analysis(stage, owner, stream)["basic"],
        },
    }


def timing_analysis(stage: Stage, owner: int, stream: Stream) -> dict[str, Any]:
    """How the newest utterance came and went, in ms. What is not known yet is null."""
    player, done = stage.player, stream.completed
    actual = None
    if done is not None and stream.started_ns is not None:
        actual = round((done.at_ns - stream.started_ns) / NANOS_PER_MILLI, 3)
    took = None
    if stream.first_chunk_ms is not None and stream.last_chunk_ms is not None:
        took = stream.last_chunk_ms - stream.first_chunk_ms
    wall_minus_mono = stage.clock.wall_ns() - stage.clock.mono_ns()

    def wall_ms(mono_ns: int | None) -> int | None:
        return None if mono_ns is None else (mono_ns + wall_minus_mono) // NANOS_PER_MILLI

    return {
        "basic": {
            "expectedDuration": round(stream.audio_ms, 3) if stream.chunks else None,
            "actualDuration": actual,
            "accuracy": round(stream.audio_ms / actual * 100, 2) if actual else None,
            "processingOverhead": round(actual - stream.audio_ms, 3) if actual is not None else None,
        },
        "chunkAnalysis": {
            "totalChunks": stream.chunks,
            "averageChunkSize": round(stream.bytes / stream.chunks, 1) if stream.chunks else None,
            "firstChunkTime": stream.first_chunk_ms,
            "lastChunkTime": stream.last_chunk_ms,
            "chunkDeliveryTime": took,
            "averageChunkDeliveryTime": round(took / (stream.chunks - 1), 3) if took and stream.chunks > 1 else None,
        },
        "playbackAnalysis": {
            "playbackStartTime": wall_ms(stream.started_ns),
            "playbackEndTime": wall_ms(done.at_ns) if done else None,
            "playbackDuration": actual,
            "bufferUtilization": round(player.fill(owner), 4),
            "underruns": done.metadata["underruns"] if done else None,
        },
        "performance": {
            "bytesPerSecond": (stream.sample_rate_hz or 0) * (stream.frame_bytes or 0) or None,
            "totalBytesProcessed": stream.bytes,
            "bufferCapacity": player.capacity,
            "bufferSize": round(player.fill(owner) * player.capacity),
            "effectiveBytesPerSecond": round(stream.bytes * 1000 / took, 1) if took else None,
        },
    }


def health(stage: Stage, clients: int, lost_frames: int) -> dict[str, Any]:
    """GET /health: the whole daemon, in the shape that older clients read."""
    player = stage.player
    current, now_ns = player.current, stage.clock.mono_ns()
    buffered = current.buffered if current else 0
    utilization = round(player.fill(current.owner), 4) if current else 0.0
    return {
        "status": "ok",
        "timestamp": stage.clock.wall_ns() // NANOS_PER_MILLI,
        "uptime": round((now_ns - stage.started_ns) / NANOS_PER_SECOND, 3),
        "version": __version__,
        "audioProcessor": {
            "isPlaying": current is not None and not player.is_paused(current.owner),
            "isPaused": current is not None and player.is_paused(current.owner),
            "bufferUtilization": utilization,
            "ringBuffer": {
                "size": buffered,
                "capacity": player.capacity,
                "utilization": utilization,
                "isFinished": current is None,
            },
            "audioContext": {
                "device": stage.device.name,
                "sampleRate": stage.device.rate_hz,
                "channels": stage.device.channels,
            },
            "stats": {
                "playedMs": round(player.played * 1000 / player.rate_hz, 3),
                "underrunMs": round(player.silence.underrun * 1000 / player.rate_hz, 3),
                "recordDroppedMs": round(lost_frames * 1000 / player.rate_hz, 3),
            },
            "performance": {"prebufferMs": player.prebuffer.target_ms},
            "timingAnalysis": None,
        },
        "clients": clients,
    }
