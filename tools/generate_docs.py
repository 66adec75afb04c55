"""Pages of docs/ that are drawn from the code: `python tools/generate_docs.py [--check]`.

`--check` writes nothing and answers 1 when a page is not what the code says. Nothing here prints
argparse's own help: its wording differs between versions of Python, and a page must not.
"""

from __future__ import annotations

import sys
from argparse import SUPPRESS, Action, ArgumentParser, _SubParsersAction
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import import_module
from inspect import getdoc
from itertools import groupby, pairwise
from pathlib import Path
from pkgutil import walk_packages

import voxtrace
from voxtrace.analysis.definitions import DEFINITIONS
from voxtrace.analysis.plausibility import POPULATION_RULES, TURN_RULES
from voxtrace.analysis.reported import DOCUMENT_RULES
from voxtrace.cli.main import COMMANDS, build_parser, load_command
from voxtrace.config import SETTINGS
from voxtrace.errors import VoxtraceError
from voxtrace.events.stages import STAGES, Stage
from voxtrace.judge.thresholds import thresholds

DOCS = Path(__file__).resolve().parents[1] / "docs"
RULES = """\
Each rule that a turn, or a number beside those of other turns, breaks is named. Most take the number away; the others
say what a log leaves open.
"""
GENERATED = "<!-- Written by tools/generate_docs.py from {}; change it there and run: make docs -->\n"
SPEECH_SIDES = ("client", "server")
NOT_IN_A_TURN = ("sdk",)
# Where one speech request crosses the wire.
CROSSINGS = (
    ("client.request_sent", "server.request_received"),
    ("server.first_chunk_sent", "client.first_audio_chunk"),
)


def page(source: str, title: str, *sections: str) -> str:
    """A page that says where it comes from."""
    return "\n".join([GENERATED.format(source), f"# {title}\n", *sections])


def cell(text: object) -> str:
    """Text that stays in its table cell."""
    return " ".join(str(text).split()).replace("|", "\\|")


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(cell(each) for each in line) + " |" for line in lines) + "\n"


def code(text: object) -> str:
    """`text`, or nothing where there is nothing to show."""
    return f"`{text}`" if text not in ("", None) else ""


def arguments(parser: ArgumentParser) -> list[Action]:
    """What a command takes, in the order in which it was declared, without --help."""
    return [each for each in parser._actions if each.help != SUPPRESS and each.dest != "help"]


def spelled(action: Action) -> str:
    """How an argument is written on the command line."""
    if not action.option_strings:
        name = str(action.metavar or action.dest)
        return f"{name}…" if action.nargs in ("*", "+") else name
    value = "" if action.nargs == 0 else f" {_value(action)}"
    return f"{', '.join(action.option_strings)}{value}"


def _value(action: Action) -> str:
    if action.metavar is None and action.choices:
        return "{" + ",".join(str(each) for each in action.choices) + "}"
    return str(action.metavar or action.dest.upper())


def explained(action: Action) -> str:
    """What an argument means, with its default where that says something everywhere."""
    text = (action.help or "") % {"default": action.default, "prog": "voxtrace"} if action.help else ""
    # The default data folder is another one for each user.
    shown = (
        action.dest != "data" and isinstance(action.default, str | int | float) and action.default not in (False, "")
    )
    return f"{text} (default: `{action.default}`)" if shown and "default" not in text else text


def command_line() -> str:
    """docs/cli.md"""
    overview = table(("command", "does"), ((f"[`{name}`](#voxtrace-{name})", does) for name, does in COMMANDS.items()))
    codes = (
        "Exit codes: 0 good; 1 the verdict is fail or inconclusive; 2 wrong usage or input; 3 the target or the store\n"
        "can't be reached; 130 interrupted.\n"
    )
    return page("src/voxtrace/cli", "The command line", overview, codes, *_command_sections())


def _command_sections() -> Iterator[str]:
    parsers = next(each for each in build_parser()._actions if isinstance(each, _SubParsersAction)).choices
    for name, does in COMMANDS.items():
        command, taken = load_command(name), arguments(parsers[name])
        named = "".join(f" {spelled(each)}" for each in taken if not each.option_strings)
        yield f"## voxtrace {name}\n"
        yield f"{does[:1].upper()}{does[1:]}.\n"
        yield f"```\nvoxtrace {name} [options]{named}\n```\n"
        yield table(("argument", "meaning"), ((code(spelled(each)), explained(each)) for each in taken))
        if command.details.strip():
            yield f"```text\n{command.details.strip(chr(10))}\n```\n"


def settings() -> str:
    """docs/settings.md"""
    intro = (
        "Each can be set in `voxtrace.toml` of the data folder by its name, in the environment by its variable, and\n"
        "by the flag of a command that has one. A flag wins over the environment, that over the file, that over the\n"
        "default; `voxtrace config` shows which it was.\n"
    )
    heads = ("setting", "variable", "default", "may be", "meaning")
    rows = (
        (
            code(each.name),
            code(each.variable),
            code(each.default),
            _range(each.choices, each.least, each.most),
            each.meaning,
        )
        for each in SETTINGS
    )
    return page("src/voxtrace/config.py", "Settings", intro, table(heads, rows))


def _range(choices: Sequence[str], least: float | None, most: float | None) -> str:
    if choices:
        return ", ".join(code(each) for each in choices)
    if least is not None and most is not None:
        return f"{least:g} to {most:g}"
    return f"at least {least:g}" if least is not None else ""


def stages() -> str:
    """docs/stages.md"""
    speech = [each for each in STAGES if each.side in SPEECH_SIDES]
    turn = [each for each in STAGES if each.side not in (*SPEECH_SIDES, *NOT_IN_A_TURN)]
    heads = ("stage", "written as", "meaning", "other software's names")
    rows = (
        (code(each.key), code(each.name or each.key), each.meaning, ", ".join(code(name) for name in each.also))
        for each in STAGES
    )
    return page(
        "src/voxtrace/events/stages.py",
        "Stages",
        "Every moment that has a name, in the order in which a turn usually passes them.\n",
        "## One speech request\n",
        diagram(speech),
        "## One turn of a conversation\n",
        diagram(turn),
        "## All stages\n",
        table(heads, rows),
    )


ADVICE = """\
`voxtrace recommend` holds each threshold of the table against the newest turns (10,000, or `--last N`) and replays
every turn that crosses it with the step that long, gone, or beside the one it waited for. It says of each finding
which stage it is about, whose it is, what was seen in how many turns, what to change, what the replay gains, and
how far that can be believed. The first three stand below `voxtrace report` and `voxtrace show` as well; a report
looks at its newest 300 turns for them, says so, and has all findings of these in its JSON (`advice`). `--where`
takes the [filters](comparing.md) of `compare`.

- **Helps**: the replay gains something. What spares all turns together the most waiting stands first. p50 and p95
  before and after are of whole replayed turns; nothing is added, and the gains of two findings can't be added
  either.
- **Open**: too slow, and no replay can say what it costs (stalls, unexplained time).
- **Unknown**: no turn says anything about it. That is no pass. These rules stand together by what would have to be
  logged to know them, what tells about most of them first; in JSON each says it in `want`.
- **Kept**: no more than 5 % of the turns are on the wrong side.
- **Hidden**: over the threshold, but a change would spare nobody waiting, for another branch ended later. It
  stands last; work that is done twice costs processor time all the same.

Populations are never mixed. The time of a step is its own: a metadata call within a synthesis has a rule of its
own. Where no event tells when the agent was heard, the gain is that of the whole turn.

A confidence is **high**, **medium** or **low**, with each reason why it is not higher: fewer than 20 turns with the
finding (fewer than 5: low), a gain whose interval reaches further than half of it, more than 20 % of the wait
without an event, ends of the wait that were not logged, sound that was made and may not have been heard (L0, L1),
clocks that were not compared, and findings that are only likely or possible (a call for metadata that takes as long
as speaking the text is *likely* a second synthesis; no event says so).

A replay can't know how a machine behaves with less to do: two pieces that slowed each other down stay as slow.
"""
OWN_THRESHOLDS = """\
`--thresholds FILE` takes a file of the same form over the built-in ones. A rule that is there already needs only
what is different; a new one needs all that the comment at the head of `thresholds.toml` names.

```toml
[[rule]]
name = "slow_language_model"
over = 1500
```

A file that can't be used is refused as a whole, with the rule and the reason.
"""


def recommendations() -> str:
    """docs/recommendations.md"""
    rows = (
        (
            code(rule.name),
            f"{rule.of or 'the wait'} ({rule.measure})",
            f"{'>' if rule.over is not None else '<'} {_threshold(rule.limit, rule.unit)}",
            rule.owner,
            rule.change,
            rule.what_if,
            rule.source,
        )
        for rule in thresholds()
    )
    heads = ("rule", "looks at", "too much", "owner", "what to change", "what if", "from")
    return page(
        "src/voxtrace/judge/thresholds.toml",
        "What would help most",
        ADVICE,
        "## The thresholds\n",
        table(heads, rows),
        "## Thresholds of your own\n",
        OWN_THRESHOLDS,
    )


def _threshold(limit: float, unit: str) -> str:
    return f"{limit:.0%}" if unit == "%" else f"{limit:,g} {unit}"


def diagram(drawn: Sequence[Stage]) -> str:
    """The stages as Mermaid draws them: a lane for each side, arrows in order."""
    lines = ["```mermaid", "flowchart LR"]
    lanes = [
        (side, list(group)) for side, group in groupby(sorted(drawn, key=_lane(drawn)), key=lambda each: each.side)
    ]
    for side, group in lanes:
        lines += [f"  subgraph {side}_lane [{side}]", "    direction TB"]
        lines += [f'    {_node(each.key)}["{(each.name or each.key).removeprefix(side + ".")}"]' for each in group]
        lines += [f"    {_node(one.key)} --> {_node(next_one.key)}" for one, next_one in pairwise(group)]
        lines.append("  end")
    keys = {each.key for each in drawn}
    crossings = [f"  {_node(one)} -.-> {_node(other)}" for one, other in CROSSINGS if {one, other} <= keys]
    lines += crossings or [f"  {one}_lane --> {next_one}_lane" for (one, _), (next_one, _) in pairwise(lanes)]
    return "\n".join([*lines, "```\n"])


def _lane(drawn: Sequence[Stage]) -> Callable[[Stage], int]:
    order = list(dict.fromkeys(each.side for each in drawn))
    return lambda stage: order.index(stage.side)


def _node(key: str) -> str:
    return key.replace(".", "_")


def metrics() -> str:
    """docs/metrics.md"""
    intro = (
        "Each number is a value, missing with its reason, or rejected with the rule that it broke; never 0 because\n"
        "something failed. Where a begin and an end stand, it is the time between those two [stages](stages.md).\n"
    )
    heads = ("metric", "unit", "meaning", "begin", "end", "better")
    titles = {"speech": "One speech request", "conversation": "One turn of a conversation"}
    sections = [intro]
    for of, title in titles.items():
        rows = (
            (code(each.name), each.unit, each.meaning, code(each.begin), code(each.end), each.better)
            for each in DEFINITIONS
            if each.of == of
        )
        sections += [f"## {title}\n", table(heads, rows)]
    rules = [(code(rule.name), rule.explanation) for rule in TURN_RULES]
    rules += [(code(name), explanation) for name, explanation in (POPULATION_RULES | DOCUMENT_RULES).items()]
    sections += ["## What is doubted\n", RULES, table(("rule", "why"), rules)]
    return page("src/voxtrace/analysis/definitions.py and plausibility.py", "Metrics", *sections)


def errors() -> str:
    """docs/errors.md"""
    rows = (
        (code(each.__name__), code(each.__module__), (getdoc(each) or "").partition("\n")[0], each.exit_code)
        for each in error_classes()
    )
    intro = (
        "Each cause has a class of its own; its message says what to do. The last column is what a command answers\n"
        "with when the error ends it.\n"
    )
    heads = ("error", "module", "cause", "exit code")
    return page("the subclasses of `VoxtraceError`", "Errors", intro, table(heads, rows))


def error_classes() -> list[type[VoxtraceError]]:
    """Every error below `VoxtraceError` in every module of the package, by name."""
    for module in walk_packages(voxtrace.__path__, "voxtrace."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    found: set[type[VoxtraceError]] = set()
    waiting = [VoxtraceError]
    while waiting:
        below = [each for each in waiting.pop().__subclasses__() if each.__module__.startswith("voxtrace.")]
        found.update(below)
        waiting += below
    return sorted(found, key=lambda each: (each.__name__, each.__module__))


PAGES: dict[str, Callable[[], str]] = {
    "cli.md": command_line,
    "settings.md": settings,
    "stages.md": stages,
    "recommendations.md": recommendations,
    "metrics.md": metrics,
    "errors.md": errors,
}


def stale(folder: Path = DOCS) -> list[str]:
    """Names of the pages that do not say what the code says."""
    return [name for name, write in PAGES.items() if not _says(folder / name, write())]


def _says(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text("utf-8") == text


def main() -> int:
    """Write the pages, or with --check say which ones are out of date."""
    out_of_date = stale()
    if "--check" in sys.argv[1:]:
        for name in out_of_date:
            print(f"docs/{name} is not what the code says; write it with: make docs")
        return 1 if out_of_date else 0
    for name in out_of_date:
        DOCS.mkdir(exist_ok=True)
        (DOCS / name).write_text(PAGES[name](), "utf-8", newline="\n")
        print(f"wrote docs/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
