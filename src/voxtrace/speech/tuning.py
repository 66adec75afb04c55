"""The mode of one running engine: as a setting fixes it, or as it is steered by what was heard."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from voxtrace.clock import mono_ns
from voxtrace.speech.ports import Mode
from voxtrace.speech.quality import AUTO, Heard, begin, nearest, steer
from voxtrace.units import NANOS_PER_SECOND


class Tuning:
    """Answers in which mode a request is spoken, and learns from how it went."""

    def __init__(self, modes: Sequence[Mode], setting: str = AUTO, now: Callable[[], int] = mono_ns) -> None:
        self._modes = {mode.name: mode for mode in modes}
        self._setting = setting
        self._now = now
        self._steering = begin(modes, now())
        self._started_ns = now()
        self.changes = 0

    @property
    def mode(self) -> Mode:
        """That of a request which asks for none."""
        return self._modes[self._name]

    def of(self, asked: str) -> Mode:
        """That of a request which asks for `asked`; "": for none."""
        return self._modes[nearest(tuple(self._modes), asked)] if asked and asked != AUTO else self.mode

    def note(self, heard: Heard) -> None:
        """One more time to first audio that counts."""
        before = self._steering.mode
        self._steering = steer(self._steering, heard, self._now())
        self.changes += self._steering.mode != before

    def report(self) -> dict[str, object]:
        """For people: the mode, why, and by which times. Times are milliseconds."""
        now = self._steering
        is_auto = self._setting == AUTO
        since_ns = now.since_ns if is_auto else self._started_ns
        return {
            "setting": self._setting,
            "mode": self._name,
            "why": now.why if is_auto else "it is set",
            "since_s": round((self._now() - since_ns) / NANOS_PER_SECOND, 1),
            "changes": self.changes if is_auto else 0,
            "ttfa_ms": [_to_json(each) for each in now.window],
            "decided_by_ms": [_to_json(each) for each in now.decided_by] if is_auto else [],
        }

    @property
    def _name(self) -> str:
        return self._steering.mode if self._setting == AUTO else nearest(tuple(self._modes), self._setting)


def _to_json(heard: Heard) -> object:
    value = round(heard.ttfa_ms, 3)
    return {"at_least": value} if heard.is_bound else value
