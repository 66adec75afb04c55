"""What the engines declare about themselves, as the pages show it."""

from __future__ import annotations

from typing import Any

from voxtrace.server.models import Models
from voxtrace.speech.backends import Backend, Backends
from voxtrace.speech.ports import Catalogue, Mode
from voxtrace.speech.voices import OPENAI_VOICES


def abilities_to_json(catalogue: Catalogue) -> dict[str, Any]:
    """What an engine can do; a fact that it does not have is left out."""
    can = catalogue.abilities
    facts: dict[str, Any] = {
        "engine": catalogue.engine,
        "provider": catalogue.provider,
        "providers": list(can.providers),
        "sample_rate": can.sample_rate_hz,
        "speed": {"slowest": can.speeds[0], "fastest": can.speeds[1]},
        "languages": list(catalogue.languages),
        "voices": len(catalogue.voices),
        "word_timings": can.word_timings,
        "mixes_voices": can.mixes,
        "deterministic": can.deterministic,
    }
    if can.precisions:
        facts |= {"precisions": list(can.precisions), "precision": can.precision}
    if can.modes:
        facts["modes"] = [_mode_to_json(mode) for mode in can.modes]
    if can.not_loaded:
        facts["precisions_not_loaded"] = list(can.not_loaded)
    if can.fallback:
        facts["fallback"] = {"asked": can.asked_provider, "runs": catalogue.provider, "why": can.fallback}
    if can.warmed:
        facts["warmed_tokens"] = list(can.warmed)
    return facts


def list_models(models: Models) -> list[dict[str, Any]]:
    """For `/v1/models`: OpenAI's fields, and beside them what the engine declares."""
    return [
        {"id": name, "object": "model", "created": 0, "owned_by": "voxtrace"} | abilities_to_json(models.find(name)[1])
        for name in models.names
    ]


def list_voices(backends: Backends) -> dict[str, Any]:
    """For `/voices`: OpenAI's names, then each engine's own with the model to ask for."""
    first = backends.first.catalogue
    listed: list[dict[str, str]] = []
    for name, voice in OPENAI_VOICES.items():
        meant = voice if first.has(voice) else first.voices[0].id
        listed.append({"id": name, "name": f"{name.capitalize()} ({meant})", "model": first.engine})
    for backend in backends.all:
        for each in backend.catalogue.voices:
            listed.append({"id": each.id, "name": each.name, "language": each.language, "model": backend.model})
    return {"voices": listed, "variants": list(first.variants)}


def describe(backend: Backend) -> dict[str, Any]:
    """For `/status`: what it is, and what its processes do right now."""
    pool = backend.pool
    workers = {
        "configured": pool.workers,
        "ready": pool.ready,
        "busy": pool.busy,
        "restarts": pool.restarts,
        "pids": pool.pids,
        "waiting": pool.waiting,
    }
    facts = {"model": backend.model, **abilities_to_json(backend.catalogue), "workers": workers}
    facts |= {"quality": backend.tuning.report()} if backend.tuning is not None else {}
    return facts | ({"hedge": backend.hedge.counts.report()} if backend.hedge is not None else {})


def _mode_to_json(mode: Mode) -> dict[str, object]:
    precision = {"precision": mode.variant} if mode.variant else {}
    return {"mode": mode.name, **precision, "first_piece_words": mode.first_words}
