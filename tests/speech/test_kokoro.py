"""What only Kokoro does, on a small model with its signature."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from tests.speech.small_models import kokoro_folder, kokoro_model, piper_model, styles
from voxtrace.errors import InvalidOption
from voxtrace.speech.engines.kokoro import KokoroEngine
from voxtrace.speech.engines.kokoro_files import find_models, load_styles, load_vocabulary
from voxtrace.speech.engines.kokoro_model import Warmth
from voxtrace.speech.engines.kokoro_modes import modes_by_speed
from voxtrace.speech.engines.kokoro_phonemes import VOCABULARY
from voxtrace.speech.errors import (
    EngineFailed,
    OtherModel,
    PhonemesUnusable,
    VoiceFileBroken,
    VoiceFileMissing,
    VoiceUnusable,
)
from voxtrace.speech.ports import Utterance


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return kokoro_folder(tmp_path / "kokoro")


def wave(engine: KokoroEngine, text: str = "Seven swans.", voice: str = "af_heart", speed: float = 1.0) -> np.ndarray:
    blocks: list[np.ndarray] = []
    engine.speak(Utterance(text, voice, speed), lambda block: blocks.append(block) or True)
    return np.concatenate(blocks)


def pitch_hz(samples: np.ndarray) -> float:
    """From upward crossings of zero."""
    return np.count_nonzero((samples[:-1] < 0) & (samples[1:] >= 0)) / (samples.size / 24_000)


def test_a_voice_is_chosen_by_its_style(folder):
    engine = KokoroEngine(str(folder))

    assert [round(pitch_hz(wave(engine, voice=name)), -1) for name in ("af_heart", "af_bella")] == [200, 300]


def test_voices_are_mixed_by_their_shares(folder):
    assert pitch_hz(wave(KokoroEngine(str(folder)), voice="af_heart:0.7+bm_george:0.3")) == pytest.approx(260, abs=4)


def test_a_voice_named_after_one_of_openais_answers_to_that_name(tmp_path):
    engine = KokoroEngine(str(kokoro_folder(tmp_path, names=("af_alloy", "am_echo"))))

    assert np.array_equal(wave(engine, voice="echo"), wave(engine, voice="am_echo"))
    assert engine.catalogue().has("alloy")


def test_voices_of_languages_without_phonemes_are_not_offered(tmp_path):
    engine = KokoroEngine(str(kokoro_folder(tmp_path, names=("af_heart", "jf_alpha", "zf_xiaobei"))))

    assert [voice.id for voice in engine.catalogue().voices] == ["af_heart"]
    with pytest.raises(EngineFailed, match="jf_alpha"):
        wave(engine, voice="jf_alpha")


def test_the_row_of_a_style_is_the_number_of_tokens_less_one(tmp_path):
    """The pitch of row n is n: what is heard says which one was taken."""
    folder = kokoro_folder(tmp_path)
    made = styles("af_heart")
    made["af_heart"][:, 0, 0] = 10 * np.arange(510)
    np.savez(folder / "voices.npz", **made)
    (folder / "voices-v1.0.bin").unlink()
    samples = wave(KokoroEngine(str(folder)))
    # Padding in front and behind is spoken too, by this model.
    tokens = samples.size // 1200 - 2

    assert pitch_hz(samples) == pytest.approx(10 * (tokens - 1), rel=0.02)


def test_the_precision_asked_for_is_the_file_that_is_loaded(folder):
    loud, soft = (np.abs(wave(KokoroEngine(str(folder), precision=each))).max() for each in ("fp32", "int8"))

    assert (loud, soft) == (pytest.approx(0.3 * 32767, rel=0.01), pytest.approx(0.2 * 32767, rel=0.01))


def test_without_a_wish_the_best_precision_is_loaded_and_all_are_declared(folder):
    abilities = KokoroEngine(str(folder)).catalogue().abilities

    assert (abilities.precisions, abilities.precision) == (("int8", "fp32"), "fp32")


def test_a_precision_that_is_not_there_is_an_error_that_says_what_is(folder):
    with pytest.raises(VoiceFileMissing, match=r"precision fp16.*kokoro-v1\.0\.int8\.onnx"):
        KokoroEngine(str(folder), precision="fp16")


@pytest.mark.parametrize(
    ("name", "precision"),
    [
        ("model.onnx", "fp32"),
        ("kokoro-v1.0.onnx", "fp32"),
        ("kokoro-v1.0.fp16.onnx", "fp16"),
        ("model_quantized.onnx", "int8"),
        ("model_q8f16.onnx", "q8f16"),
        ("kokoro-v0_19.int8.onnx", "int8"),
    ],
)
def test_the_precision_is_read_from_the_names_in_use(tmp_path, name, precision):
    (tmp_path / name).touch()

    assert list(find_models(tmp_path)) == [precision]


@pytest.mark.parametrize("changes", [{"tokens": "tokens"}, {"speed_type": TensorProto.DOUBLE}])
def test_every_signature_in_use_is_fed(tmp_path, changes):
    assert wave(KokoroEngine(str(kokoro_folder(tmp_path, **changes)))).size > 0


@pytest.mark.parametrize("speed", [0.25, 0.7, 1.5, 4.0])
def test_a_model_that_takes_whole_speeds_only_is_stretched(tmp_path, speed):
    engine = KokoroEngine(str(kokoro_folder(tmp_path, speed_type=TensorProto.INT32)))

    assert wave(engine).size / wave(engine, speed=speed).size == pytest.approx(speed, rel=0.08)


def test_a_provider_that_is_not_there_is_replaced_and_that_is_recorded(folder):
    catalogue = KokoroEngine(str(folder), provider="cuda").catalogue()

    assert (catalogue.provider, catalogue.abilities.asked_provider) == ("cpu", "cuda")
    assert "no CUDAExecutionProvider" in catalogue.abilities.fallback


def test_a_provider_that_nobody_knows_is_refused(folder):
    with pytest.raises(InvalidOption, match="abacus"):
        KokoroEngine(str(folder), provider="abacus")


def test_the_session_is_given_the_options_that_were_written_down(folder):
    options = KokoroEngine(str(folder), threads=3)._loaded.models["fp32"].model.session.get_session_options()

    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (3, 1)
    assert options.execution_mode.name == "ORT_SEQUENTIAL"
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"


def test_it_is_warm_for_short_and_long_pieces_before_it_is_ready(folder):
    assert KokoroEngine(str(folder)).catalogue().abilities.warmed == (16, 64, 256)


def test_more_than_510_tokens_are_spoken_in_runs_and_none_is_lost(folder):
    engine = KokoroEngine(str(folder))
    word = wave(engine, "swan " * 10).size
    many = wave(engine, "swan " * 400).size

    # Each run has two tokens of padding, and the space between two runs is not spoken.
    assert many == pytest.approx(40 * word, rel=0.03)


def test_nobody_wants_more_so_the_next_run_is_not_inferred(folder):
    engine = KokoroEngine(str(folder))
    heard = []
    engine.speak(Utterance("swan " * 2000, "af_heart"), lambda block: heard.append(block))

    assert len(heard) == 1


@pytest.mark.parametrize("text", ["今天天气很好", "Привет мир", "مرحبا بالعالم", "नमस्ते", "😀", "𐍈𐌰"])
def test_a_script_that_the_voice_lacks_is_named_letter_by_letter(folder, text):
    assert wave(KokoroEngine(str(folder)), text).size > 10_000


@pytest.mark.parametrize("text", ["?!...", "—", "\u200b", "\ue000\ue001", "\u0378", " "])
def test_a_text_without_anything_to_say_is_no_sound(folder, text):
    blocks: list[np.ndarray] = []
    KokoroEngine(str(folder)).speak(Utterance(text, "af_heart"), lambda block: blocks.append(block) or True)

    assert blocks == []


# What a user may have in the folder.


def broken(folder: Path) -> VoiceUnusable:
    with pytest.raises(VoiceUnusable) as caught:
        KokoroEngine(str(folder))
    return caught.value


def test_a_truncated_model_is_said_to_be_one(folder):
    model = folder / "kokoro-v1.0.onnx"
    model.write_bytes(model.read_bytes()[: model.stat().st_size // 2])

    assert "truncated" in str(broken(folder))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "git-lfs pointer"),
        (b"<!DOCTYPE html><html>404</html>" + b" " * 100, "web page"),
        (b"", "0 bytes"),
        (b"RIFF" * 100, "no ONNX model"),
    ],
)
def test_a_file_that_is_no_model_is_called_what_it_is(folder, content, said):
    (folder / "kokoro-v1.0.onnx").write_bytes(content)

    assert said in str(broken(folder))


def test_a_model_of_another_architecture_is_refused_with_what_it_has(folder):
    onnx.save(piper_model(), folder / "kokoro-v1.0.onnx")
    error = broken(folder)

    assert isinstance(error, OtherModel)
    assert "input_lengths int64" in str(error)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tokens": "phonemes"}, "no input 'tokens'"),
        ({"style_width": 128}, "its style is 128 wide"),
        ({"speed_type": TensorProto.INT64}, "'speed' is int64"),
    ],
)
def test_other_tensors_are_named(folder, changes, said):
    onnx.save(kokoro_model(**changes), folder / "kokoro-v1.0.onnx")

    assert said in str(broken(folder))


def test_a_model_for_fewer_phonemes_is_found_out(folder):
    onnx.save(kokoro_model(rows=60), folder / "kokoro-v1.0.onnx")

    assert isinstance(broken(folder), PhonemesUnusable)


def test_missing_files_are_named(tmp_path, folder):
    (tmp_path / "empty").mkdir()
    (folder / "voices-v1.0.bin").unlink()

    assert "model (*.onnx)" in str(broken(tmp_path / "empty"))
    assert "styles of voices" in str(broken(folder))


def test_styles_may_be_one_raw_file_each(folder):
    (folder / "voices-v1.0.bin").unlink()
    (folder / "voices").mkdir()
    (folder / "voices" / "am_adam.bin").write_bytes(styles("am_adam")["am_adam"].tobytes())

    assert {name: rows.shape for name, rows in load_styles(folder).items()} == {"am_adam": (510, 256)}


def test_a_truncated_archive_of_styles_is_found_out(folder):
    archive = folder / "voices-v1.0.bin"
    archive.write_bytes(archive.read_bytes()[:-2000])

    assert isinstance(broken(folder), VoiceFileBroken)


def test_styles_that_hold_python_objects_are_never_unpickled(folder):
    (folder / "voices-v1.0.bin").unlink()
    np.savez(folder / "voices.npz", af_heart=np.array([{"any": "object"}], dtype=object))

    assert "no archive of numpy arrays" in str(broken(folder))


def test_styles_of_another_shape_are_refused(folder):
    (folder / "voices-v1.0.bin").unlink()
    np.savez(folder / "voices.npz", af_heart=np.zeros((510, 1, 128), np.float32))

    assert "float32(510, 1, 256)" in str(broken(folder))


def test_an_archive_that_would_swell_is_not_unpacked(folder):
    (folder / "voices-v1.0.bin").unlink()
    np.savez_compressed(folder / "voices.npz", af_heart=np.zeros((20_000, 1, 256), np.float32))

    assert "larger than any archive" in str(broken(folder))


def test_a_vocabulary_beside_the_model_is_the_one_that_counts(folder):
    (folder / "config.json").write_text(json.dumps({"model_type": "style_text_to_speech_2"}))
    (folder / "tokenizer.json").write_text(json.dumps({"model": {"vocab": {"$": 0, "a": 7, "n": 8, "ˈ": 9}}}))

    assert load_vocabulary(folder)["a"] == 7


def test_without_one_it_is_that_of_version_1(folder):
    assert load_vocabulary(folder) is VOCABULARY


@pytest.mark.parametrize("vocab", [{}, [1], {"a": "x"}, {"a": -1}, {"b": 1}])
def test_a_vocabulary_that_is_none_is_refused(folder, vocab):
    (folder / "config.json").write_text(json.dumps({"vocab": vocab}))

    with pytest.raises(PhonemesUnusable):
        load_vocabulary(folder)


def test_samples_that_are_no_numbers_are_an_error(tmp_path):
    folder = kokoro_folder(tmp_path, level=float("nan"))

    with pytest.raises(EngineFailed, match="no numbers"):
        KokoroEngine(str(folder))


def loudness(engine: KokoroEngine, variant: str) -> float:
    """The small models differ in how loud they are: it tells which one spoke."""
    blocks: list[np.ndarray] = []
    engine.speak(Utterance("Seven swans.", "af_heart", variant=variant), lambda block: blocks.append(block) or True)
    return round(float(np.abs(np.concatenate(blocks)).max()) / 32767, 2)


def test_each_utterance_is_spoken_by_the_model_that_its_mode_names(folder):
    engine = KokoroEngine(str(folder))
    modes = {mode.name: mode.variant for mode in engine.catalogue().abilities.modes}

    assert modes == {"fast": "int8", "balanced": "fp32", "high": "fp32"}
    assert [loudness(engine, modes[name]) for name in ("fast", "high", "fast", "balanced")] == [0.2, 0.3, 0.2, 0.3]
    with pytest.raises(EngineFailed, match="'fp16' is not loaded"):
        loudness(engine, "fp16")


def test_a_precision_between_the_fastest_and_the_best_is_the_balanced_one(folder):
    onnx.save(kokoro_model(level=0.25), folder / "kokoro-v1.0.q8f16.onnx")
    engine = KokoroEngine(str(folder))

    assert [mode.variant for mode in engine.catalogue().abilities.modes] == ["int8", "q8f16", "fp32"]
    assert loudness(engine, "q8f16") == 0.25


def test_a_precision_that_was_asked_for_is_the_only_one_and_modes_change_the_first_piece_only(folder):
    abilities = KokoroEngine(str(folder), precision="int8").catalogue().abilities

    assert [(mode.name, mode.variant) for mode in abilities.modes] == [("fast", "int8"), ("high", "int8")]


@pytest.mark.parametrize(
    ("damage", "why"), [("", "mode_files_mib = 0 MiB"), ("<html>" + " " * 100, "it is a web page")]
)
def test_modes_do_with_the_models_that_can_be_loaded_and_say_which_can_not(folder, damage, why):
    if damage:
        (folder / "kokoro-v1.0.int8.onnx").write_text(damage)
    abilities = KokoroEngine(str(folder), mode_files_mib=512 if damage else 0).catalogue().abilities

    assert {mode.variant for mode in abilities.modes} == {"fp32"}
    assert why in abilities.not_loaded[0]


def test_a_name_that_promises_speed_is_not_believed_where_it_was_measured_otherwise():
    """int8 is slower than fp32 on processors without instructions for it."""
    names = {"fp32": None, "int8": None}
    quick, slow = Warmth((64,), 50_000_000), Warmth((64,), 90_000_000)

    assert {mode.variant for mode in modes_by_speed(names, {"fp32": quick, "int8": slow}, "fp32")} == {"fp32"}
    assert [mode.variant for mode in modes_by_speed(names, {"fp32": slow, "int8": quick}, "fp32")] == [
        "int8",
        "fp32",
        "fp32",
    ]
