"""Models with the true signatures of Kokoro and Piper and next to nothing inside: each token is a bit of a hum."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from voxtrace.speech.engines.espeak_phonemes import Phonemizer
from voxtrace.speech.engines.kokoro_phonemes import VOCABULARY

KOKORO_TOKENS = 178  # the rows of its embedding
SAMPLES_PER_TOKEN = 1200  # 50 ms at 24 kHz
PIPER_SYMBOLS = 256
PIPER_RATE_HZ = 22_050
HANGS_AT, SWELLS_AT = VOCABULARY["…"], VOCABULARY["—"]
FOREVER = 10**12
SWELLING = 2_000_000  # one such token is 2.4 thousand million samples, 10 GB

OPSET, IR_VERSION = 17, 9


def kokoro_model(
    tokens: str = "input_ids",
    speed_type: int = TensorProto.FLOAT,
    style_width: int = 256,
    rows: int = KOKORO_TOKENS,
    level: float = 0.3,
    offset: float = 0.0,
    padding: int = 0,
) -> onnx.ModelProto:
    """input_ids int64 [1, n], style float [1, 256], speed [1] -> waveform float [samples].

    `offset` is added to all of the hum, and `padding` samples of silence stand in front and behind.

    The hum's pitch in Hz is the first number of the style. The token of "…" keeps it busy for ever, and the one of
    "—" wants 10 GB.
    """
    inputs = [
        helper.make_tensor_value_info(tokens, TensorProto.INT64, [1, "n"]),
        helper.make_tensor_value_info("style", TensorProto.FLOAT, [1, style_width]),
        helper.make_tensor_value_info("speed", speed_type, [1]),
    ]
    nodes = [
        *_count(tokens, rows),
        *_busy(tokens),
        *_times(tokens, SWELLS_AT, "swollen"),
        helper.make_node("Mul", ["swollen", _const("swelling", float(SWELLING))], ["swell"]),
        helper.make_node("Add", ["known", "swell"], ["known_swell"]),
        helper.make_node("Add", ["known_swell", "busy"], ["length"]),
        helper.make_node("Cast", ["speed"], ["speed_f"], to=TensorProto.FLOAT),
        helper.make_node("Slice", ["style", "zero_1", "one_1", "one_1"], ["pitch"]),
        *_hum("length", "speed_f", "pitch", 24_000.0, level, "hum"),
        *_ends("hum", offset, padding, "waveform"),
    ]
    output = helper.make_tensor_value_info("waveform", TensorProto.FLOAT, ["samples"])
    return _model(nodes, inputs, output, rows)


def piper_model(speakers: int = 1, rows: int = PIPER_SYMBOLS, offset: float = 0.0, padding: int = 0) -> onnx.ModelProto:
    """input int64 [1, n], input_lengths int64 [1], scales float [3], perhaps sid int64 [1] -> output [1, 1, t].

    The hum's pitch is 300 Hz, and 100 Hz more for each speaker.
    """
    inputs = [
        helper.make_tensor_value_info("input", TensorProto.INT64, [1, "n"]),
        helper.make_tensor_value_info("input_lengths", TensorProto.INT64, [1]),
        helper.make_tensor_value_info("scales", TensorProto.FLOAT, [3]),
    ]
    nodes = [
        *_count("input", rows),
        helper.make_node("Slice", ["scales", "one_1", "two_1"], ["length_scale"]),
        helper.make_node("Reciprocal", ["length_scale"], ["rate"]),
        helper.make_node("Cast", ["input_lengths"], ["lengths_f"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["lengths_f", _const("nothing", 0.0)], ["unused"]),
        helper.make_node("Add", ["known", "unused"], ["known_1"]),
        helper.make_node("Squeeze", ["known_1"], ["length"]),
    ]
    if speakers > 1:
        inputs.append(helper.make_tensor_value_info("sid", TensorProto.INT64, [1]))
        nodes += [
            helper.make_node("Cast", ["sid"], ["sid_f"], to=TensorProto.FLOAT),
            helper.make_node("Mul", ["sid_f", _const("step", 100.0)], ["steps"]),
            helper.make_node("Add", ["steps", _const("ground", 300.0)], ["pitch"]),
        ]
    else:
        nodes.append(helper.make_node("Identity", ["ground_300"], ["pitch"]))
    nodes += [
        *_hum("length", "rate", "pitch", float(PIPER_RATE_HZ), 0.3, "hum"),
        *_ends("hum", offset, padding, "flat"),
        helper.make_node("Reshape", ["flat", "shape_11t"], ["output"]),
    ]
    output = helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 1, "t"])
    return _model(nodes, inputs, output, rows)


def styles(*names: str, rows: int = 510) -> dict[str, np.ndarray]:
    """A style of the true shape for each name, whose pitch is 200 Hz for the first and 100 Hz more for each other."""
    made = {}
    for number, name in enumerate(names):
        made[name] = np.zeros((rows, 1, 256), np.float32)
        made[name][:, 0, 0] = 200 + 100 * number
        # The second number of a row is which one it is.
        made[name][:, 0, 1] = np.arange(rows)
    return made


def kokoro_folder(folder: Path, names: Sequence[str] = ("af_heart", "af_bella", "bm_george"), **model: object) -> Path:
    """A folder as users have it: models in two precisions, and the archive of styles under its usual name."""
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(kokoro_model(**model), folder / "kokoro-v1.0.onnx")
    onnx.save(kokoro_model(**{"level": 0.2} | model), folder / "kokoro-v1.0.int8.onnx")
    with (folder / "voices-v1.0.bin").open("wb") as archive:
        np.savez(archive, **styles(*names))
    return folder


def piper_config(speakers: int = 1) -> dict[str, object]:
    """A configuration as Piper writes it, with a map of the phonemes of English."""
    said = set("".join(each.phonemes for each in Phonemizer().clauses("The quick brown fox jumps.", "en-us")))
    symbols = ["_", "^", "$", " ", *".,?!:;", *sorted(said | set("aneɪoʊˈˌː"))]
    return {
        "audio": {"sample_rate": PIPER_RATE_HZ, "quality": "medium"},
        "espeak": {"voice": "en-us"},
        "phoneme_type": "espeak",
        "inference": {"noise_scale": 0, "length_scale": 1, "noise_w": 0},
        "num_symbols": PIPER_SYMBOLS,
        "num_speakers": speakers,
        "speaker_id_map": {f"p{number}": number for number in range(speakers)} if speakers > 1 else {},
        "phoneme_id_map": {symbol: [number] for number, symbol in enumerate(dict.fromkeys(symbols))},
    }


def piper_folder(
    folder: Path,
    name: str = "en_US-small-medium",
    speakers: int = 1,
    model: dict[str, object] | None = None,
    **changes: object,
) -> Path:
    """A folder with one Piper voice, its model and its configuration as they are told."""
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(piper_model(speakers, **(model or {})), folder / f"{name}.onnx")
    (folder / f"{name}.onnx.json").write_text(json.dumps(piper_config(speakers) | changes), "utf-8")
    return folder


def _const(name: str, value: float) -> str:
    _CONSTANTS[name] = np.array(value, np.float32)
    return name


_CONSTANTS: dict[str, np.ndarray] = {
    "zero_1": np.array([0], np.int64),
    "one_1": np.array([1], np.int64),
    "two_1": np.array([2], np.int64),
    "first": np.array(0, np.int64),
    "step_1": np.array(1, np.int64),
    "shape_11t": np.array([1, 1, -1], np.int64),
    "ground_300": np.array([300], np.float32),
}


def _count(tokens: str, rows: int) -> list[onnx.NodeProto]:
    """`known`: how many tokens there are, each looked up in an embedding that holds ones."""
    return [
        helper.make_node("Gather", ["embedding", tokens], ["ones"]),
        helper.make_node("ReduceSum", ["ones"], ["known"], keepdims=0),
    ]


def _times(tokens: str, token: int, result: str) -> list[onnx.NodeProto]:
    """`result`: how often a token occurs."""
    _CONSTANTS[f"token_{token}"] = np.array(token, np.int64)
    return [
        helper.make_node("Equal", [tokens, f"token_{token}"], [f"is_{token}"]),
        helper.make_node("Cast", [f"is_{token}"], [f"is_{token}_f"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", [f"is_{token}_f"], [result], keepdims=0),
    ]


def _busy(tokens: str) -> list[onnx.NodeProto]:
    """`busy`: nought, after a loop without an end when the token of "…" is there."""
    _CONSTANTS["forever"] = np.array(FOREVER, np.int64)
    _CONSTANTS["true"] = np.array(True)
    _CONSTANTS["nought"] = np.array(0, np.float32)
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go_in"], ["go_out"]),
            helper.make_node("Identity", ["sum_in"], ["sum_out"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("go_in", TensorProto.BOOL, []),
            helper.make_tensor_value_info("sum_in", TensorProto.FLOAT, []),
        ],
        [
            helper.make_tensor_value_info("go_out", TensorProto.BOOL, []),
            helper.make_tensor_value_info("sum_out", TensorProto.FLOAT, []),
        ],
    )
    return [
        *_times(tokens, HANGS_AT, "hangs"),
        helper.make_node("Cast", ["hangs"], ["hangs_i"], to=TensorProto.INT64),
        helper.make_node("Mul", ["hangs_i", "forever"], ["turns"]),
        helper.make_node("Loop", ["turns", "true", "nought"], ["busy"], body=body),
    ]


def _hum(length: str, speed: str, pitch: str, rate_hz: float, level: float, result: str) -> list[onnx.NodeProto]:
    return [
        helper.make_node("Mul", [length, _const("per_token", float(SAMPLES_PER_TOKEN))], ["long"]),
        helper.make_node("Div", ["long", speed], ["count_f1"]),
        helper.make_node("Squeeze", ["count_f1"], ["count_f"]),
        helper.make_node("Cast", ["count_f"], ["count"], to=TensorProto.INT64),
        helper.make_node("Range", ["first", "count", "step_1"], ["at"]),
        helper.make_node("Cast", ["at"], ["at_f"], to=TensorProto.FLOAT),
        helper.make_node("Squeeze", [pitch], ["pitch_0"]),
        helper.make_node("Mul", ["at_f", "pitch_0"], ["turns_hz"]),
        helper.make_node("Mul", ["turns_hz", _const(f"turn_{int(rate_hz)}", 2 * np.pi / rate_hz)], ["angle"]),
        helper.make_node("Sin", ["angle"], ["sine"]),
        helper.make_node("Mul", ["sine", _const(f"level_{level}", level)], [result]),
    ]


def _ends(sound: str, offset: float, padding: int, result: str) -> list[onnx.NodeProto]:
    _CONSTANTS[f"silence_{padding}"] = np.zeros(padding, np.float32)
    return [
        helper.make_node("Add", [sound, _const(f"offset_{offset}", offset)], ["moved"]),
        helper.make_node("Concat", [f"silence_{padding}", "moved", f"silence_{padding}"], [result], axis=0),
    ]


def _model(nodes: list, inputs: list, output: object, rows: int) -> onnx.ModelProto:
    used = {name for node in nodes for name in node.input}
    constants = {name: value for name, value in _CONSTANTS.items() if name in used}
    constants["embedding"] = np.ones(rows, np.float32)
    graph = helper.make_graph(
        nodes, "small", inputs, [output], [numpy_helper.from_array(value, name) for name, value in constants.items()]
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    onnx.checker.check_model(made)
    return made
