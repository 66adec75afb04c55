"""What `voxtrace import` says at its end: as text, and as JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence

from voxtrace.collector.importing import FileReport

# Files told one by one; of more only the sums and what went wrong.
LISTED_FILES = 20
LISTED_REASONS = 10


def to_json(reports: Sequence[FileReport], *, is_dry_run: bool) -> str:
    """Everything, one entry per file."""
    files = [
        {
            "file": report.label,
            "outcome": report.outcome,
            "format": report.format,
            "read": report.read,
            "stored": report.stored,
            "duplicates": report.duplicate,
            "unreadable": dict(report.unreadable),
            "why": _why(report, is_stored=not is_dry_run) if report.outcome != "imported" else "",
            "notes": [{"kind": note.kind, "text": note.text, "times": note.times} for note in report.notes],
            "examples": report.examples,
        }
        for report in reports
    ]
    sums = {
        "files": len(reports),
        "read": sum(report.read for report in reports),
        "stored": sum(report.stored for report in reports),
        "duplicates": sum(report.duplicate for report in reports),
        "unreadable": sum(report.unreadable.total() for report in reports),
        "dry_run": is_dry_run,
    }
    return json.dumps({"total": sums, "files": files}, indent=2)


def to_text(reports: Sequence[FileReport], *, is_dry_run: bool) -> str:
    """For people: each file while they are few, then sums; every reason why something is not in the store."""
    return _text(reports, is_stored=not is_dry_run) + ("; dry run: nothing was stored" if is_dry_run else "")


def read_to_text(reports: Sequence[FileReport]) -> str:
    """The same of files that were read for one look, which nobody wanted to store."""
    return _text(reports, is_stored=False)


def _text(reports: Sequence[FileReport], *, is_stored: bool) -> str:
    lines: list[str] = []
    if len(reports) <= LISTED_FILES:
        for report in reports:
            lines += _lines_of(report, is_stored)
    else:
        lines += _by_format(reports, is_stored)
        lines += _left_out(reports, is_stored)
        lines += _notes(reports)
    return "\n".join([*lines, _total(reports, is_stored)])


def _lines_of(report: FileReport, is_stored: bool) -> Iterable[str]:
    if report.outcome != "imported":
        yield f"{report.label}: {report.outcome}: {_why(report, is_stored)}"
    else:
        yield f"{report.label}: {report.format}, {_counts([report], is_stored)}"
    for reason, count in report.unreadable.most_common():
        yield f"    {count:,} unreadable: {reason}"
    for example in report.examples:
        yield f"        {example}"
    for note in report.notes:
        yield f"    {_noted(note.text, note.times)}"


def _why(report: FileReport, is_stored: bool) -> str:
    """Why a file is not whole, and what became of the events in front of where it ended."""
    kept = report.stored + report.duplicate
    if report.outcome != "interrupted":
        became = (
            f"{kept:,} events before that are in the store"
            if is_stored
            else f"{report.read:,} events before that were read"
        )
        return report.why + (f"; the {became}" if report.read else "")
    if not is_stored:
        return f"{report.read:,} events of it were read"
    if not kept:
        return "nothing of it is in the store"
    return f"its first {kept:,} events are in the store; import it again to store the rest"


def _counts(reports: Sequence[FileReport], is_stored: bool) -> str:
    read = sum(report.read for report in reports)
    text = f"{read:,} event{'' if read == 1 else 's'} read"
    if is_stored:
        stored, duplicate = sum(each.stored for each in reports), sum(each.duplicate for each in reports)
        text += f", {stored:,} stored"
        text += f", {duplicate:,} duplicate{'' if duplicate == 1 else 's'}" if duplicate else ""
    unreadable = sum(report.unreadable.total() for report in reports)
    return text + (f", {unreadable:,} record{'' if unreadable == 1 else 's'} unreadable" if unreadable else "")


def _by_format(reports: Sequence[FileReport], is_stored: bool) -> Iterable[str]:
    formats: dict[str, list[FileReport]] = {}
    for report in reports:
        if report.outcome == "imported":
            formats.setdefault(report.format, []).append(report)
    for name, group in formats.items():
        yield f"{name}: {_files(len(group))}, {_counts(group, is_stored)}"
        reasons: Counter[str] = Counter()
        for report in group:
            reasons.update(report.unreadable)
        for reason, count in reasons.most_common():
            yield f"    {count:,} unreadable: {reason}"


def _left_out(reports: Sequence[FileReport], is_stored: bool) -> Iterable[str]:
    groups: dict[tuple[str, str], list[str]] = {}
    for report in reports:
        if report.outcome != "imported":
            groups.setdefault((report.outcome, _why(report, is_stored)), []).append(report.label)
    ordered = sorted(groups.items(), key=lambda group: -len(group[1]))
    for (outcome, why), labels in ordered[:LISTED_REASONS]:
        more = f" and {len(labels) - 1:,} more" if len(labels) > 1 else ""
        yield f"{outcome}: {labels[0]}{more}: {why}"
    if len(ordered) > LISTED_REASONS:
        yield f"and {len(ordered) - LISTED_REASONS:,} other reasons; --json lists every file"


def _notes(reports: Sequence[FileReport]) -> Iterable[str]:
    times: Counter[str] = Counter()
    for report in reports:
        for note in report.notes:
            times[note.text] += note.times
    for text, count in times.most_common(LISTED_REASONS):
        yield f"    {_noted(text, count)}"


def _noted(text: str, times: int) -> str:
    return f"note: {text}" + (f" (×{times:,})" if times > 1 else "")


def _total(reports: Sequence[FileReport], is_stored: bool) -> str:
    broken = [report for report in reports if report.outcome != "imported"]
    in_part = sum(report.read > 0 for report in broken)
    counts = ((len(broken) - in_part, "left out"), (in_part, "in part"))
    aside = ", ".join(f"{count:,} {what}" for count, what in counts if count)
    return f"{_files(len(reports))}{f' ({aside})' if aside else ''}: {_counts(reports, is_stored)}"


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count:,} files"
