"""The thresholds as data, and a file of one's own over them."""

import re
from pathlib import Path

import pytest

from voxtrace.analysis.definitions import DEFINITION_BY_NAME
from voxtrace.analysis.intervals import RULES
from voxtrace.judge.thresholds import BadThresholds, read_thresholds, thresholds

DOCS = Path(__file__).resolve().parents[2] / "docs"


def written(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_text(text, "utf-8")
    return path


def test_the_thresholds_of_the_plans_are_there():
    limits = {rule.name: rule.limit for rule in thresholds()}

    assert (limits["slow_language_model"], limits["slow_classification"], limits["slow_retrieval"]) == (3000, 200, 1000)
    assert (limits["slow_synthesis"], limits["slow_metadata_call"], limits["slow_pace"]) == (500, 1000, 15)


def test_every_rule_looks_at_a_step_or_a_metric_that_exists():
    steps = {rule.name for rule in RULES}
    unknown = [
        rule.name
        for rule in thresholds()
        if (rule.measure == "step" and rule.of not in steps)
        or (rule.measure == "metric" and rule.of not in DEFINITION_BY_NAME)
    ]

    assert unknown == []


def test_every_rule_stands_in_the_documentation():
    page = (DOCS / "recommendations.md").read_text("utf-8")

    assert [rule.name for rule in thresholds() if f"`{rule.name}`" not in page] == []


def test_a_file_of_ones_own_needs_only_what_is_different(tmp_path):
    path = written(tmp_path, '[[rule]]\nname = "slow_language_model"\nover = 1500\n')
    changed = {rule.name: rule for rule in read_thresholds(path)}

    assert changed["slow_language_model"].over == 1500
    assert changed["slow_language_model"].owner == "service"
    assert len(changed) == len(thresholds())


BAD = [
    ("nonsense", "it is no TOML"),
    ("", "no [[rule]]"),
    ('[[rule]]\nname = "slow_retrieval"\nover = "a lot"\n', "has to be a number"),
    ('[[rule]]\nname = "slow_retrieval"\nover = -1\n', "has to be a number"),
    ('[[rule]]\nname = "slow_retrieval"\nower = 3\n', "'ower'"),
    ('[[rule]]\nname = "slow_retrieval"\nowner = "somebody"\n', "there are: setting"),
    ('[[rule]]\nname = "slow_retrieval"\nunder = 1\nover = 1\n', "either over or under"),
    ('[[rule]]\nname = "slow_retrieval"\nwhat_if = "warm"\n', "what_if is one of"),
    ('[[rule]]\nname = "my_rule"\nover = 3\n', "lacks kind"),
    ('[[rule]]\nname = "stalls"\nof = "stallings"\n', "no metric"),
    ('[[rule]]\nname = "stalls"\n[[rule]]\nname = "stalls"\n', "stands there twice"),
]


@pytest.mark.parametrize(("text", "why"), BAD)
def test_a_bad_file_says_what_is_wrong_with_it(tmp_path, text, why):
    with pytest.raises(BadThresholds, match=re.escape(why)):
        read_thresholds(written(tmp_path, text))


def test_a_file_that_is_not_there_is_a_clear_error(tmp_path):
    with pytest.raises(BadThresholds, match="No such file"):
        read_thresholds(tmp_path / "none.toml")
