"""A turn whose services' clocks disagree: drawn as they tell it, and never as if their order were known."""

import pytest

from tests.reports.test_pages import page
from voxtrace.analysis import assemble, summarize
from voxtrace.analysis.cases import case_of
from voxtrace.judge.turn_story import tell
from voxtrace.reports.conversation_html import story_to_html
from voxtrace.reports.conversation_report import story_to_json, story_to_markdown, story_to_terminal
from voxtrace.reports.html_report import summary_to_html
from voxtrace.reports.terminal import list_of_turns, one_turn
from voxtrace.testing.turns import event

SAID = (
    (0, "stt", "stt_transcript_finalized"),
    (15, "stt", "stt_sending_to_v34"),
    (23, "v34", "v34_webhook_received"),
    (50, "v34", "v34_ollama_sent"),
    (950, "v34", "v34_ollama_received"),
    (960, "v34", "v34_sending_to_tts"),
    (970, "tts", "tts_request_received"),
    (975, "tts", "tts_synthesis_start"),
    (1400, "tts", "tts_audio_playback_start"),
)


def logged(behind):
    """A turn in lines without clocks; that of text to speech is `behind` milliseconds late."""
    return assemble(
        "r1", [event(name, at - behind * (service == "tts"), service, clock="") for at, service, name in SAID]
    )


FORMS = {
    "show": lambda turn: page(one_turn(turn)),
    "story, terminal": lambda turn: page(story_to_terminal(tell(turn))),
    "story, markdown": lambda turn: story_to_markdown(tell(turn)),
    "story, html": lambda turn: story_to_html(tell(turn)),
    "report, html": lambda turn: summary_to_html(summarize([turn]), [turn]),
}


@pytest.mark.parametrize("form", FORMS)
def test_beside_what_is_drawn_in_order_of_time_stands_that_the_order_is_not_known(form):
    doubt = "The order between services is not known: their clocks disagree (effect_before_cause)."
    printed = " ".join(FORMS[form](logged(900)).split())

    assert doubt in printed
    assert printed.index(doubt) < printed.rindex("hand-over to model")
    assert doubt not in " ".join(FORMS[form](logged(0)).split())


def test_every_event_is_shown_all_the_same():
    printed = page(one_turn(logged(900)))

    assert all(name in printed for _, _, name in SAID)


def test_the_length_of_such_a_turn_is_no_number():
    assert "total —" in page(one_turn(logged(900)))
    assert "total 1,400 ms" in page(one_turn(logged(0)))
    assert "960.0 ms" not in page(list_of_turns([logged(900)]))
    assert "960.0 ms</span></h3>" not in summary_to_html(summarize([logged(900)]), [logged(900)])


def test_its_root_cause_is_no_more_than_possible_and_says_why():
    cause = story_to_json(tell(logged(900)))["root_cause"]

    assert cause["certainty"] == "possible"
    assert "clocks of its services disagree: what waited for what is not known" in cause["doubts"]


def test_advice_on_it_is_unsure_of_its_clocks():
    assert case_of(logged(900)).is_clock_unsure
    assert not case_of(logged(0)).is_clock_unsure
