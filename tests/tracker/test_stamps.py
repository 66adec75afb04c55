from voxtrace.events.codec import decode
from voxtrace.tracker import Tracker, TrackerOptions


def test_a_moment_stamped_by_the_caller_keeps_its_stamp(tmp_path):
    lines: list[bytes] = []
    tracker = Tracker("client", sink=lambda batch: lines.append(batch.lines), options=TrackerOptions(data=tmp_path))
    tracker.mark_at("FIRST_AUDIO_CHUNK", (5, 1_764_253_805_015_000_001), "r", "s", bytes=3)
    tracker.close()
    event = decode(lines[0])

    assert (event.mono_ns, event.wall_ns) == (5, 1_764_253_805_015_000_001)
    assert (event.request_id, event.session_id, event.metadata) == ("r", "s", {"bytes": 3})
