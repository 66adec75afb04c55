"""What `model` may be in a request, and whose voices are meant by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from voxtrace.server.api_error import ApiError
from voxtrace.speech.ports import Catalogue

# What clients of OpenAI send; all of them are spoken by the server's first engine.
OPENAI_MODELS = ("tts-1", "tts-1-hd", "gpt-4o-mini-tts")
SHORT_NAMES = {"espeak": "espeak-ng"}
MAX_NAME_CHARS = 80  # of a name that nobody knows, in an error


@dataclass(frozen=True, slots=True)
class Models:
    """The models of a server."""

    first: Catalogue
    others: Mapping[str, Catalogue] = field(default_factory=dict)
    unloaded: Mapping[str, str] = field(default_factory=dict)  # model: why

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that speaks."""
        short = tuple(name for name, engine in SHORT_NAMES.items() if engine == self.first.engine)
        return (self.first.engine, *short, *self.others, *OPENAI_MODELS)

    def voices_of(self, model: str) -> Catalogue:
        """The voices of a model that `find` named."""
        return self.others[model] if model else self.first

    def find(self, model: object) -> tuple[str, Catalogue]:
        """The model, "" for the first engine, and its voices.

        Raises:
            ApiError: there is none of that name, or it is not loaded.
        """
        if model is None:
            return "", self.first
        if not isinstance(model, str):
            raise ApiError(HTTPStatus.BAD_REQUEST, "model: must be text", code="invalid_model", param="model")
        if model in self.others:
            return model, self.others[model]
        if model in self.names:
            return "", self.first
        if model in self.unloaded:
            message = f"the model {model!r} is not loaded: {self.unloaded[model]}"
            raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, message, code="model_not_loaded", param="model")
        message = f"there is no model {model[:MAX_NAME_CHARS]!r}; there are: {', '.join(self.names)}"
        raise ApiError(HTTPStatus.NOT_FOUND, message, code="model_not_found", param="model")
