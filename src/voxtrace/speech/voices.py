"""The voice names that OpenAI's clients send, and what they become here."""

from __future__ import annotations

from voxtrace.speech.errors import SpeechError
from voxtrace.speech.ports import Catalogue

# Chosen by timbre, so that two of them never sound alike. espeak-ng's variants m1…m8 and f1…f5 are its most
# plain ones; en-us and en-gb are its two best-kept languages.
OPENAI_VOICES: dict[str, str] = {
    "alloy": "en-us",
    "ash": "en-us+m3",
    "ballad": "en-gb+m4",
    "cedar": "en-us+m2",
    "coral": "en-us+f2",
    "echo": "en-us+m7",
    "fable": "en-gb",
    "marin": "en-us+f4",
    "nova": "en-us+f3",
    "onyx": "en-us+m1",
    "sage": "en-gb+f5",
    "shimmer": "en-gb+f2",
    "verse": "en-us+m5",
}

DEFAULT_VOICE = "alloy"


class VoiceNotFound(SpeechError):
    """The engine has no voice of that name."""

    code = "voice_not_found"

    def __init__(self, voice: str, catalogue: Catalogue) -> None:
        names = ", ".join(OPENAI_VOICES)
        more = ""
        if catalogue.variants:
            more = ", with or without a variant, such as 'en-us+f3'"
        elif catalogue.abilities.mixes:
            more = ", or a mix of them, such as 'af_heart:0.7+af_bella:0.3'"
        super().__init__(
            f"there is no voice {voice!r}; take one of {names}, or one of the {len(catalogue.voices)} voices of "
            f"{catalogue.engine} that GET /v1/audio/voices lists{more}"
        )
        self.voice = voice


def find_voice(name: str, catalogue: Catalogue) -> str:
    """The engine's name of a voice that a client asks for.

    Raises:
        VoiceNotFound: there is none of that name.
    """
    if catalogue.has(name):
        return name
    voice = OPENAI_VOICES.get(name, name)
    if not catalogue.has(voice) and name in OPENAI_VOICES and catalogue.voices:
        voice = catalogue.voices[0].id  # of an engine whose voices have names of their own
    if not catalogue.has(voice):
        raise VoiceNotFound(name[:80], catalogue)
    return voice
