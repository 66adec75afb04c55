"""Why the player can't play something: one class per cause, each with the `code` that its messages carry."""

from __future__ import annotations

from typing import ClassVar

from voxtrace.errors import EXIT_UNREACHABLE, VoxtraceError


class PlaybackError(VoxtraceError):
    """Something about a client's sound is wrong. Its sound up to there is played."""

    code: ClassVar[str] = "playback"


class UnplayableFormat(PlaybackError):
    """The samples are described in a way that can't be played."""

    code = "unplayable_format"

    def __init__(self, name: str, value: object, allowed: str) -> None:
        super().__init__(f"{name} {value!r} can't be played; it must be {allowed}")
        self.name, self.value = name, value


class TornSample(PlaybackError):
    """The bytes ended, or changed their format, in the middle of a sample."""

    code = "torn_sample"

    def __init__(self, left: int, frame_bytes: int) -> None:
        super().__init__(
            f"the sound ended in the middle of a sample: {left} byte{'s' if left != 1 else ''} left over, "
            f"and one sample of every channel takes {frame_bytes}; check width and channels"
        )
        self.left, self.frame_bytes = left, frame_bytes


class MessageNotUnderstood(PlaybackError):
    """A message is not one of those that the player knows."""

    code = "message_not_understood"

    def __init__(self, why: str) -> None:
        super().__init__(f"the message was not understood: {why}")
        self.why = why


class BufferFull(PlaybackError):
    """A client sent more than is kept for it; the newest sound was dropped."""

    code = "buffer_full"

    def __init__(self, dropped_ms: float) -> None:
        super().__init__(
            f"{dropped_ms:.0f} ms of sound were dropped so far: more was sent than the buffer holds; "
            "wait while flow_control says pause"
        )
        self.dropped_ms = dropped_ms


class TooManyUtterances(PlaybackError):
    """A client has too many requests under way."""

    code = "too_many_utterances"

    def __init__(self, limit: int) -> None:
        super().__init__(f"{limit} requests of this connection are waiting already; wait for `completed`")
        self.limit = limit


class DeviceFailed(VoxtraceError):
    """The sound device can't be opened."""

    exit_code = EXIT_UNREACHABLE

    def __init__(self, name: str, why: str) -> None:
        super().__init__(
            f"the sound device {name!r} can't be used ({why}); name another with --device NAME, or say --device null"
        )
        self.name, self.why = name, why
