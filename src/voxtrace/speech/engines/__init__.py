"""Engines, by the name that a worker is started with."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import cast

from voxtrace.speech.errors import EngineDidNotStart
from voxtrace.speech.ports import Engine

# "module:factory"; a module is imported only in the process that speaks with it.
ENGINES = {
    "espeak": "voxtrace.speech.engines.espeak:EspeakEngine",
    "kokoro": "voxtrace.speech.engines.kokoro:KokoroEngine",
    "piper": "voxtrace.speech.engines.piper:PiperEngine",
}


def load_engine(name: str, options: Mapping[str, object]) -> Engine:
    """Build the engine of that name, or of a "module:factory" outside this package.

    Raises:
        EngineDidNotStart: there is no such engine, or it does not take these options.
    """
    module, _, factory = ENGINES.get(name, name).partition(":")
    try:
        return cast(Engine, getattr(import_module(module), factory)(**options))
    except (ImportError, AttributeError, TypeError, ValueError, OSError) as why:
        raise EngineDidNotStart(name, str(why)) from why
