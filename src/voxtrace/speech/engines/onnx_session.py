"""A model in onnxruntime, with every option that decides about its speed written down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from voxtrace.errors import InvalidOption, MissingExtra
from voxtrace.speech.errors import EngineFailed, OtherModel, VoiceFileBroken

if TYPE_CHECKING:
    from onnxruntime import InferenceSession, NodeArg

PROVIDERS = {"cpu": "CPUExecutionProvider", "coreml": "CoreMLExecutionProvider", "cuda": "CUDAExecutionProvider"}
NAMES = {full: name for name, full in PROVIDERS.items()}
SMALLEST_MODEL_BYTES = 64
# What a download leaves behind when it did not fetch the file itself.
NO_MODEL_AT_ALL = {
    b"version https://git-lfs": "it is a git-lfs pointer and not the file itself (git lfs pull fetches it)",
    b"<!doctype": "it is a web page",
    b"<html": "it is a web page",
    b"PK": "it is an archive",
}
OUT_OF_MEMORY = ("bad_alloc", "bad allocation", "failed to allocate", "out of memory", "bfcarena")


@dataclass(frozen=True, slots=True)
class Compute:
    """What a model shall run on."""

    provider: str = "cpu"
    threads: int = 1  # for one operator; processors / engine processes, so that these do not wait for each other

    def __post_init__(self) -> None:
        if self.provider not in PROVIDERS:
            raise InvalidOption("provider", self.provider, f"there are: {', '.join(PROVIDERS)}")


class Made(NamedTuple):
    """What a model made."""

    wave: NDArray[np.float32]
    lengths: NDArray[Any] | None  # of its tokens, where it tells them


@dataclass(frozen=True, slots=True)
class Model:
    """A model that is loaded, and what it really runs on."""

    file: Path
    session: InferenceSession
    provider: str
    fallback: str = ""  # why it is not the provider that was asked for

    @property
    def inputs(self) -> dict[str, NodeArg]:
        return {each.name: each for each in self.session.get_inputs()}

    def run(self, feeds: Mapping[str, NDArray[Any]]) -> Made:
        """The first output, flat, and the second as it is.

        Raises:
            EngineFailed: the model refuses its input, or what it made is no sound.
            MemoryError: there is too little of it.
        """
        try:
            outputs = self.session.run(None, dict(feeds))
            wave = np.asarray(outputs[0], np.float32).ravel()
        except errors_of_onnxruntime() as why:
            text = str(why)
            if any(each in text.lower() for each in OUT_OF_MEMORY):
                raise MemoryError(text) from why
            raise EngineFailed(f"the model {self.file.name} refused: {text[:300]}") from why
        if not np.isfinite(wave).all():
            raise EngineFailed(f"the model {self.file.name} made samples that are no numbers")
        return Made(wave, np.asarray(outputs[1]) if len(outputs) > 1 else None)


def available_providers() -> tuple[str, ...]:
    """The providers of `PROVIDERS` that this machine's onnxruntime was built with.

    Raises:
        MissingExtra: onnxruntime is not installed.
    """
    return tuple(NAMES[full] for full in _onnxruntime().get_available_providers() if full in NAMES)


def open_model(file: Path, compute: Compute) -> Model:
    """Load a model; a provider that is not there is replaced by the CPU, and that is recorded.

    Raises:
        MissingExtra: onnxruntime is not installed.
        VoiceFileBroken: the file is truncated, or no model.
    """
    ort = _onnxruntime()
    _look_at(file)
    options = ort.SessionOptions()
    options.intra_op_num_threads = compute.threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 4  # what goes wrong is raised, and said by us
    # Threads that spin while they wait would take the processor from other streams.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    wanted, fallback = PROVIDERS[compute.provider], ""
    if wanted not in ort.get_available_providers():
        fallback = f"this onnxruntime has no {wanted}; it has {', '.join(ort.get_available_providers())}"
        wanted = PROVIDERS["cpu"]
    session, why = _open_session(file, options, wanted)
    runs = NAMES.get(session.get_providers()[0], session.get_providers()[0])
    if not fallback and runs != compute.provider:
        fallback = f"onnxruntime could not start {wanted}" + (f": {why}" if why else "")
    return Model(file, session, runs, fallback)


def require_inputs(model: Model, kind: str, wanted: Mapping[str, tuple[str, ...]]) -> None:
    """Check that the model has these inputs, each of one of these element types.

    Raises:
        OtherModel: an input is missing, is of another type, or there is one that nobody would feed.
    """
    has = {name: each.type.removeprefix("tensor(").removesuffix(")") for name, each in model.inputs.items()}
    listed = ", ".join(f"{name} {kind_of}" for name, kind_of in has.items()) or "none"
    for name, types in wanted.items():
        if name not in has:
            raise OtherModel(model.file, kind, f"it has no input {name!r}; its inputs are {listed}")
        if has[name] not in types:
            raise OtherModel(model.file, kind, f"its input {name!r} is {has[name]} and not {' or '.join(types)}")
    if extra := sorted(set(has) - set(wanted)):
        raise OtherModel(model.file, kind, f"it wants an input {extra[0]!r} that such a voice does not have")
    outputs = model.session.get_outputs()
    if not outputs or "float" not in outputs[0].type:
        raise OtherModel(model.file, kind, "its first output is no sound (float samples)")


def _open_session(file: Path, options: Any, wanted: str) -> tuple[InferenceSession, str]:
    ort, cpu = _onnxruntime(), PROVIDERS["cpu"]
    try:
        return ort.InferenceSession(file, options, providers=list(dict.fromkeys([wanted, cpu]))), ""
    except errors_of_onnxruntime() as why:
        if wanted == cpu:
            raise _cannot_load(file, why) from why
        try:
            return ort.InferenceSession(file, options, providers=[cpu]), str(why)[:200]
        except errors_of_onnxruntime() as broken:
            raise _cannot_load(file, broken) from broken


def _cannot_load(file: Path, why: Exception) -> Exception:
    text = str(why)
    if any(each in text.lower() for each in OUT_OF_MEMORY):
        return MemoryError(text)
    size = f"{file.stat().st_size:,} bytes"
    if "Protobuf parsing failed" in text or "INVALID_PROTOBUF" in text:
        return VoiceFileBroken(file, f"with {size} it is truncated, or no ONNX model")
    return VoiceFileBroken(file, f"onnxruntime can't load it ({size}): {text[:300]}")


def _look_at(file: Path) -> None:
    try:
        with file.open("rb") as opened:
            head = opened.read(SMALLEST_MODEL_BYTES)
    except OSError as why:
        raise VoiceFileBroken(file, why.strerror or str(why)) from why
    for begin, what in NO_MODEL_AT_ALL.items():
        if head.lower().startswith(begin.lower()):
            raise VoiceFileBroken(file, what)
    if len(head) < SMALLEST_MODEL_BYTES:
        raise VoiceFileBroken(file, f"it has only {file.stat().st_size} bytes")


def errors_of_onnxruntime() -> tuple[type[Exception], ...]:
    """What it raises: a class for each of its status codes, with no class above them but Exception."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    own = (each for each in vars(state).values() if isinstance(each, type) and issubclass(each, Exception))
    return (RuntimeError, ValueError, TypeError, *own)


def _onnxruntime() -> Any:
    try:
        import onnxruntime
    except ImportError as missing:
        raise MissingExtra("neural", needs="onnxruntime") from missing
    return onnxruntime
