"""SSML is read as W3C means it, refused where it is not understood, and never more than refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxtrace.speech.text.document import Document, Rest, Run, SayAs, asks_for_pause
from voxtrace.speech.text.ssml import MAX_DEPTH, MAX_SOURCE_CHARS, NAMESPACE, InvalidSsml, is_ssml, read_ssml
from voxtrace.speech.text.ssml_values import break_ms, rate_of


def read(inside: str, language: str = "en-us") -> Document:
    return read_ssml(f"<speak>{inside}</speak>", language)


def outline(inside: str) -> list[object]:
    """Texts, rests in milliseconds, and rates other than 1."""
    found: list[object] = []
    for item in read(inside).items:
        if isinstance(item, Rest):
            found.append(item.ms)
        else:
            found.append(item.text if item.manner.rate == 1 else (item.text, round(item.manner.rate, 4)))
    return found


def refusal(source: str, language: str = "en-us") -> InvalidSsml:
    with pytest.raises(InvalidSsml) as caught:
        read_ssml(source, language)
    return caught.value


def read_or_refuse(source: str) -> Document | InvalidSsml:
    try:
        return read_ssml(source, "en-us")
    except InvalidSsml as why:
        return why


def origins(document: Document) -> list[str]:
    """What each spoken character stands for, in the source."""
    return [
        document.source[begin:end]
        for run in document.items
        if isinstance(run, Run)
        for begin, end in zip(run.begins, run.ends, strict=True)
    ]


@pytest.mark.parametrize(
    "text",
    [
        "<speak>a</speak>",
        " \n<speak>a",
        "<speak/>",
        '<?xml version="1.0" encoding="UTF-8"?>\n<speak version="1.1">',
        "\ufeff<speak>",
        "<!-- a note --><speak>",
        '<?xml version="1.0"?><!DOCTYPE speak PUBLIC "-//W3C//DTD SYNTHESIS 1.0//EN" "synthesis.dtd"><speak>',
    ],
)
def test_these_texts_are_taken_for_ssml(text):
    assert is_ssml(text)


@pytest.mark.parametrize("text", ["", "Hello", "I <speak> now", "<speaker>", "<speak", "<p>speak</p>", "speak"])
def test_these_are_plain(text):
    assert not is_ssml(text)


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        ("\n  Hello\n  world \n", ["Hello world "]),
        ("a &amp; b &lt;&#99;&#x1F600;", ["a & b <c😀"]),
        ("<![CDATA[a & b]]> c", ["a & b c"]),
        ("a<!-- nothing -->b", ["ab"]),
        ('a<break time="300ms"/>b', ["a", 300, "b"]),
        ('a <break time="1s"/> <break time="500ms"/> b', ["a ", 1500, "b"]),
        ('<break/>a<break strength="x-strong"/>', [400, "a", 1200]),
        ('a<break time="0s"/>b<break strength="none"/>c', ["abc"]),
        ('a.<break strength="none"/>b', ["a.", 0, "b"]),
        ("<s>One</s><s>Two?</s><s>Three!</s>", ["One. Two? Three! "]),
        ("<s>He said <say-as interpret-as='characters'>AB</say-as> </s>x", ["He said ", "AB", ". x"]),
        ("<s>日本語</s><s>です</s>", ["日本語。です。"]),
        ("<p>One</p>\n<p>Two</p>", ["One. ", 300, "Two. "]),
        ('<p>One</p><break time="1s"/><p>Two</p>', ["One. ", 1000, "Two. "]),
        ('<p>One</p><break strength="none"/><p>Two</p>', ["One. ", 0, "Two. "]),
        ("Before<p>in it</p>", ["Before. in it. "]),
        (
            'a<prosody rate="50%">b<prosody rate="80%">c</prosody>d</prosody>e',
            ["a", ("b", 0.5), ("c", 0.4), ("d", 0.5), "e"],
        ),
        ('a<prosody rate="medium" pitch="+0%" volume="default">b</prosody>c', ["abc"]),
        ('The <sub alias="World Wide Web">WWW</sub>.', ["The World Wide Web."]),
        ('10<sub alias="kilometres">km</sub> <sub alias="x"/>', ["10 kilometres x"]),
    ],
)
def test_this_becomes_of_it(inside, expected):
    assert outline(inside) == expected


def test_what_stands_in_a_say_as_keeps_what_it_is():
    run = read("<say-as interpret-as='date' format='dmy'>1/2/2024</say-as>").items[0]

    assert isinstance(run, Run)
    assert (run.text, run.manner.say_as) == ("1/2/2024", SayAs("date", "dmy"))


def test_a_language_of_the_voice_may_be_named_more_exactly():
    document = read_ssml('<speak xml:lang="en-GB">a<s xml:lang="en">b</s></speak>', "en-us")

    assert [run.manner.language for run in document.items] == ["en-GB", "en"]
    assert read_ssml('<speak xml:lang="zh-CN">好</speak>', "cmn").items
    assert read_ssml('<speak xml:lang="fr">a</speak>', "und").items


def test_the_namespace_of_ssml_may_be_said_or_left_out():
    marked = f'<x:speak xmlns:x="{NAMESPACE}" version="1.1">a<x:break time="1s"/>b</x:speak>'

    assert [getattr(item, "text", item) for item in read_ssml(marked).items] == [
        "a",
        Rest(1000, marked.index("b<")),
        "b",
    ]


def test_every_character_knows_what_it_stands_for():
    document = read('é &amp; <sub alias="ab">x</sub>\n<s>&#x1F600;o</s>')

    sub = '<sub alias="ab">x</sub>'
    assert origins(document) == ["é", " ", "&amp;", " ", sub, sub, "", "", "&#x1F600;", "o", "", ""]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("", "no element found"),
        ("<speak>", "line 1, column 8: this is no well-formed XML"),
        ("<speak>\n<p>a</speak>", "line 2, column 7"),
        ("<speak>\n é<voice>a</voice></speak>", "line 2, column 3: <voice> is not supported; there are speak, p"),
        ("\n <speak><mark name='x'/></speak>", "line 2, column 9: <mark>"),
        ("<p>a</p>", "everything stands in one <speak>"),
        ("<speak><speak/></speak>", "no <speak> in another"),
        ("<speak>a</speak>b", "junk after"),
        ("<!DOCTYPE speak><speak/>", "DOCTYPE"),
        ('<!DOCTYPE s [<!ENTITY a SYSTEM "file:///etc/passwd">]><speak>&a;</speak>', "DOCTYPE"),
        ("<speak>&eacute;</speak>", "undefined entity"),
        ("<speak>&#xFFFE;</speak>", "character number"),
        ("<speak>&#x85;</speak>", "U+0085"),
        ("<speak>\x00</speak>", "U+0000"),
        ("<speak>\ud800</speak>", "U+D800"),
        ("<speak><sub alias='&#x9b;'>a</sub></speak>", "alias of <sub> has the character U+009B"),
        ("<speak>" + "<s>" * (MAX_DEPTH + 1), f"more than {MAX_DEPTH}"),
        ("<speak>" + "<p>" * 10_000, f"more than {MAX_DEPTH}"),
        ("x" * (MAX_SOURCE_CHARS + 1), "at most 65536"),
        ("<speak xmlns:m='urn:m'><m:express/></speak>", "<express> is not supported"),
        ("<speak xmlns='urn:other'/>", "<speak> of this namespace"),
        ("<speak><m:x/></speak>", "unbound prefix"),
        ("<speak version='2.0'/>", "1.0 and 1.1 are"),
        ("<speak foo='1'/>", "foo of <speak> is not supported"),
        ("<speak xml:lang='fr-FR'>a</speak>", "is not the language of the voice, en-us"),
        ("<speak xml:lang='!'>a</speak>", "is no language"),
        ("<speak><break>a</break></speak>", "takes no text"),
        ("<speak><break><s/></break></speak>", "<s> can't stand in <break>"),
        ("<speak><sub alias='a'><s/></sub></speak>", "<s> can't stand in <sub>"),
        ("<speak><sub>a</sub></speak>", "alias, which is spoken instead, is missing"),
        ("<speak><say-as>1</say-as></speak>", "must be one of: cardinal"),
        ("<speak><say-as interpret-as='date' detail='1'>1</say-as></speak>", "detail of <say-as>"),
        ("<speak><prosody contour='(0%,+20Hz)'>a</prosody></speak>", "contour of <prosody>"),
        ("<speak><prosody volume='loud'>a</prosody></speak>", "of prosody, rate is"),
        ("<speak><prosody volume='0'>a</prosody></speak>", "of prosody, rate is"),
        ("<speak>a<break time='6s'/><break time='6s'/></speak>", "longer than 10 s together"),
        ("<speak><?xml-stylesheet href='a'?></speak>", "processing instruction <?xml-stylesheet?>"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(source, words):
    assert words in str(refusal(source))


@pytest.mark.parametrize(
    ("time", "ms"),
    [("300ms", 300), ("1.5s", 1500), (" 2s ", 2000), ("+1s", 1000), (".5s", 500), ("0ms", 0), ("10s", 10_000)],
)
def test_these_times_are_understood(time, ms):
    assert break_ms(time, None) == break_ms(time, "weak") == ms


@pytest.mark.parametrize(
    "time", ["-1s", "abc", "", "1", "1e9s", "1m", "s", "1 s", "10.001s", "999999999s", "１s", "nan"]
)
def test_these_times_are_refused(time):
    with pytest.raises(ValueError, match="time="):
        break_ms(time, None)


@pytest.mark.parametrize(
    ("rate", "factor"),
    [
        ("x-slow", 0.5),
        ("default", 1),
        ("80%", 0.8),
        ("+20%", 1.2),
        ("-20%", 0.8),
        ("1.2", 1.2),
        (".5", 0.5),
        ("200%", 2),
    ],
)
def test_these_rates_are_understood(rate, factor):
    assert rate_of(rate) == pytest.approx(factor)


@pytest.mark.parametrize("rate", ["NaN", "inf", "", "0", "0%", "-100%", "-1", "+0.5", "1e3", "fastest", "1%%", "²"])
def test_these_rates_are_refused(rate):
    with pytest.raises(ValueError, match="rate="):
        rate_of(rate)


@pytest.mark.parametrize(
    ("text", "pauses"), [("a.", 1), ('a?" ', 1), ("a,", 1), ("です。", 1), ("a", 0), ("", 0), (" ", 0)]
)
def test_a_pause_is_asked_for_by_a_mark(text, pauses):
    assert asks_for_pause(text) == bool(pauses)


TAGS = """<speak> </speak> <p> </p> <s> </s> <s/> <break/> <break_time="1s"/> &amp; &#65; &x; <sub_alias='World_Wide'>
</sub> <say-as_interpret-as='characters'> </say-as> <prosody_rate='80%'> </prosody> <![CDATA[ ]]> <!-- --> <?x_?>"""
SCRAPS = st.sampled_from(
    [*(tag.replace("_", " ") for tag in TAGS.split()), "Hello ", "é", "😀", "\r\n", "日本", ".", '"', "\ud800", "\x00"]
)


@given(st.lists(SCRAPS, max_size=30).map("".join) | st.text(max_size=200))
def test_whatever_comes_is_read_or_refused_and_every_origin_is_in_order(scraps):
    for source in (scraps, f"<speak>{scraps}</speak>"):
        is_ssml(source)
        document = read_or_refuse(source)
        if isinstance(document, InvalidSsml):
            assert 1 <= document.line <= source.count("\n") + 1
            assert document.column >= 1
            continue
        runs = [item for item in document.items if isinstance(item, Run)]
        begins, ends = ([each for run in runs for each in getattr(run, name)] for name in ("begins", "ends"))

        assert all(len(run.text) == len(run.begins) == len(run.ends) > 0 for run in runs)
        assert begins == sorted(begins)
        assert ends == sorted(ends)
        assert all(0 <= begin <= end <= len(source) for begin, end in zip(begins, ends, strict=True))
