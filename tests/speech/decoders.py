"""Other people's decoders, to count what ours made: PyAV, libsndfile, and Debian's flac, opusdec, mpg123 and faad."""

from __future__ import annotations

import io
import shutil
import subprocess
import tempfile
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

MOST_SAMPLES = 1_000_000
# What to call so that `in` becomes `out.wav`.
PROGRAMS = {
    "flac": ("flac", "--silent", "--decode", "--output-name", "out.wav", "in"),
    "opus": ("opusdec", "--quiet", "in", "out.wav"),
    "mp3": ("mpg123", "-q", "-w", "out.wav", "in"),
    "aac": ("faad", "-q", "-o", "out.wav", "in"),
}


def by_libav(sound: bytes) -> tuple[np.ndarray, int]:
    """Samples of the first channel, and their rate in Hz."""
    with av.open(io.BytesIO(sound)) as container:
        frames = list(container.decode(audio=0))
    rate_hz = frames[0].sample_rate
    to_int16 = av.AudioResampler(format="s16", layout="mono", rate=rate_hz)
    blocks = [block.to_ndarray().ravel() for frame in [*frames, None] for block in to_int16.resample(frame)]
    return np.concatenate(blocks), rate_hz


def by_libsndfile(sound: bytes) -> tuple[np.ndarray, int]:
    with soundfile.SoundFile(io.BytesIO(sound)) as file:
        return file.read(MOST_SAMPLES, dtype="int16", always_2d=True)[:, 0], file.samplerate


def by_a_program(name: str, sound: bytes) -> tuple[np.ndarray, int]:
    """Debian's own decoder of the format `name`; the test is skipped where it is not installed."""
    command = PROGRAMS[name]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed: apt-get install flac opus-tools mpg123 faad")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "in").write_bytes(sound)
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        return by_libsndfile((Path(folder) / "out.wav").read_bytes())
