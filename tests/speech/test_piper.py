"""What only a Piper voice does, on a small model with its signature."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.speech.small_models import kokoro_model, piper_config, piper_folder, piper_model
from voxtrace.speech.engines.piper import PiperEngine
from voxtrace.speech.errors import OtherModel, PhonemesUnusable, VoiceFileMissing, VoiceUnusable
from voxtrace.speech.ports import Utterance

NAME = "en_US-small-medium"


def wave(engine: PiperEngine, text: str = "Seven swans.", voice: str = NAME, speed: float = 1.0) -> np.ndarray:
    blocks: list[np.ndarray] = []
    engine.speak(Utterance(text, voice, speed), lambda block: blocks.append(block) or True)
    return np.concatenate(blocks)


def pitch_hz(samples: np.ndarray) -> float:
    return np.count_nonzero((samples[:-1] < 0) & (samples[1:] >= 0)) / (samples.size / 22_050)


def broken(folder: Path) -> VoiceUnusable:
    with pytest.raises(VoiceUnusable) as caught:
        PiperEngine(str(folder))
    return caught.value


def test_its_rate_is_that_of_the_configuration(tmp_path):
    engine = PiperEngine(str(piper_folder(tmp_path)))

    assert (engine.sample_rate_hz, engine.catalogue().abilities.sample_rate_hz) == (22_050, 22_050)


def test_each_speaker_is_a_voice_and_the_first_also_answers_to_the_voices_name(tmp_path):
    engine = PiperEngine(str(piper_folder(tmp_path, speakers=3)))
    names = [voice.id for voice in engine.catalogue().voices]

    assert names == [NAME, f"{NAME}/p0", f"{NAME}/p1", f"{NAME}/p2"]
    assert [round(pitch_hz(wave(engine, voice=name)), -1) for name in names] == [300, 300, 400, 500]


def test_a_voice_with_noise_promises_no_equal_samples(tmp_path):
    folder = piper_folder(tmp_path, inference={"noise_scale": 0.667, "noise_w": 0.8})

    assert not PiperEngine(str(folder)).catalogue().abilities.deterministic


def test_a_slow_voice_stays_slow(tmp_path):
    quick = PiperEngine(str(piper_folder(tmp_path / "quick")))
    slow = PiperEngine(str(piper_folder(tmp_path / "slow", inference={"length_scale": 1.5, "noise_scale": 0})))

    assert wave(slow).size / wave(quick).size == pytest.approx(1.5, rel=0.01)


def test_pads_stand_between_the_phonemes(tmp_path):
    """Each id is 1200 samples here: begin, pad, then a phoneme and a pad for each, end."""
    ids = wave(PiperEngine(str(piper_folder(tmp_path))), "a").size // 1200

    assert ids % 2 == 1
    assert ids >= 7


def test_phonemes_that_the_voice_was_not_taught_are_no_sound(tmp_path):
    known = {"_": [0], "^": [1], "$": [2], " ": [3], ".": [4], "a": [5], "n": [6], "ˈ": [7]}
    engine = PiperEngine(str(piper_folder(tmp_path, phoneme_id_map=known)))
    blocks: list[np.ndarray] = []
    engine.speak(Utterance("Fee.", NAME), lambda block: blocks.append(block) or True)

    assert blocks == []


def test_a_missing_configuration_is_named(tmp_path):
    (piper_folder(tmp_path) / f"{NAME}.onnx.json").unlink()

    assert f"{NAME}.onnx.json" in str(broken(tmp_path))


def test_two_models_in_one_folder_are_one_too_many(tmp_path):
    piper_folder(tmp_path)
    onnx.save(piper_model(), tmp_path / "other.onnx")

    assert isinstance(broken(tmp_path), VoiceFileMissing)


def test_a_model_of_another_architecture_is_refused(tmp_path):
    onnx.save(kokoro_model(), piper_folder(tmp_path) / f"{NAME}.onnx")

    assert isinstance(broken(tmp_path), OtherModel)


def test_several_speakers_need_a_model_that_takes_one(tmp_path):
    piper_folder(tmp_path, num_speakers=4)

    assert "no input 'sid'" in str(broken(tmp_path))


def test_a_model_that_wants_a_speaker_needs_a_configuration_with_some(tmp_path):
    onnx.save(piper_model(speakers=2), piper_folder(tmp_path) / f"{NAME}.onnx")

    assert "'sid'" in str(broken(tmp_path))


def test_a_map_for_more_phonemes_than_the_model_has_is_found_out(tmp_path):
    folder = piper_folder(tmp_path, num_symbols=0, phoneme_id_map=piper_config()["phoneme_id_map"] | {"ʘ": [4000]})

    assert isinstance(broken(folder), PhonemesUnusable)


@pytest.mark.parametrize(
    "changes",
    [
        {"phoneme_type": "pinyin"},
        {"phoneme_id_map": {"a": [1]}},
        {"phoneme_id_map": {"a": "1"}},
        {"phoneme_id_map": []},
        {"num_symbols": 3},
        {"espeak": {"voice": "tlh"}},
        {"espeak": {}},
        {"audio": {"sample_rate": 1}},
        {"audio": None},
        {"speaker_id_map": [1]},
    ],
)
def test_a_configuration_that_can_not_be_used_is_refused(tmp_path, changes):
    assert NAME in str(broken(piper_folder(tmp_path, **changes)))


@pytest.mark.parametrize("text", ["", "{", "[1]", json.dumps("x"), "[" * 100_000])
def test_a_configuration_that_is_none_is_refused(tmp_path, text):
    (piper_folder(tmp_path) / f"{NAME}.onnx.json").write_text(text)

    assert "can't be read" in str(broken(tmp_path))
