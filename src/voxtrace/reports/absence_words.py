"""What the absence of a number does to its percentile, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from voxtrace.analysis.absence import TEXT, WHOLE, Absence, LabelTie, NumberTie
from voxtrace.analysis.definitions import DEFINITION_BY_NAME
from voxtrace.analysis.groups import Group
from voxtrace.reports.words import amount, unit_of

TIES_SHOWN = 2  # of each kind
METHOD = (
    "Whether absence is tied to something: Mann-Whitney U by what the turns without a number took, Fisher's exact test "
    "by label and by how they ended, over at most 10,000 turns of a population; p corrected by Holm over all its tests."
)
_UNITS = {WHOLE: "ms", TEXT: "characters"}
_ENDED = {"cancelled": "of turns that were called off", "interrupted": "of turns that were interrupted"}


def distorted(absence: Absence | None, name: str) -> str:
    """What stands beside a percentile that is known to leave some turns out: "" where nothing is known."""
    if absence is None or absence.state in ("untied", "too few"):
        return ""
    if absence.state == "uneven" or not DEFINITION_BY_NAME[name].better:
        return "uneven"
    return "too good" if absence.state == "slower" else "too bad"


def absence_rows(group: Group) -> Iterator[tuple[str, str]]:
    """Metrics that the same turns lack, and what is known of these turns."""
    alike: dict[str, list[str]] = {}
    for name, absence in group.absences.items():
        alike.setdefault(absence_in_words(absence, name), []).append(name)
    for words, names in alike.items():
        yield ", ".join(names), words


def absence_in_words(absence: Absence, name: str) -> str:
    """A sentence."""
    head = f"missing in {absence.missing:,} of {absence.looked_at:,}"
    if absence.session:
        head += f" (all of session {absence.session}, so p is too small)"
    if absence.state == "too few":
        return f"{head}: too few to tell"
    if absence.state == "untied":
        return f"{head}: absence is not tied to anything that was looked at ({', '.join(absence.compared_with)})"
    said = [_number(tie) for tie in absence.numbers[:TIES_SHOWN]] + [_label(tie) for tie in absence.labels[:TIES_SHOWN]]
    effect = {
        "too good": "the percentile is too good",
        "too bad": "the percentile is too bad",
        "uneven": "the percentile tells of the others only",
    }[distorted(absence, name)]
    return f"{head}; {_slower(absence)}{'; '.join(said)}: {effect}"


def _slower(absence: Absence) -> str:
    return f"the missing ones are {absence.state}: " if absence.state in ("slower", "faster") else ""


def _number(tie: NumberTie) -> str:
    unit = _UNITS.get(tie.name) or unit_of(tie.name)
    without, measured = amount(tie.without, unit), amount(tie.measured, unit)
    return f"{tie.name} {without} where it is missing, {measured} elsewhere ({_p(tie.p)})"


def _label(tie: LabelTie) -> str:
    where = f"where {' and '.join([f'{tie.label}={tie.value}', *tie.also[:TIES_SHOWN]])}"
    if tie.label == "outcome":
        where = _ENDED.get(tie.value, where)
    there, elsewhere = (f"{gone:,} of {turns:,}" for gone, turns in (tie.there, tie.elsewhere))
    return f"{there} {where}, {elsewhere} elsewhere ({_p(tie.p)})"


def _p(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


def absences_to_json(absences: Mapping[str, Absence]) -> dict[str, dict[str, object]]:
    """By metric."""
    return {name: _to_json(absence, name) for name, absence in absences.items()}


def _to_json(absence: Absence, name: str) -> dict[str, object]:
    return {
        "state": absence.state,
        "percentile": distorted(absence, name) or None,
        "words": absence_in_words(absence, name),
        "missing": absence.missing,
        "looked_at": absence.looked_at,
        "compared_with": list(absence.compared_with),
        "numbers": [
            {
                "name": tie.name,
                "median_without": round(tie.without, 6),
                "median_measured": round(tie.measured, 6),
                "p": tie.p,
                "method": tie.method,
            }
            for tie in absence.numbers
        ],
        "labels": [
            {
                "label": tie.label,
                "value": tie.value,
                "missing_there": list(tie.there),
                "missing_elsewhere": list(tie.elsewhere),
                "p": tie.p,
                "method": tie.method,
                "same_turns": list(tie.also),
            }
            for tie in absence.labels
        ],
        "session": absence.session or None,
    }
