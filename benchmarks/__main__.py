"""Run benchmarks and print what they found: `python -m benchmarks [NAME…] [--json] [--write FILE]`.

Without names all of them run, one after the other. The exit code is 1 when a promise is broken or a benchmark
could not run.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import pkgutil
import sys
import traceback
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

import benchmarks
import voxtrace
from benchmarks.figure import Figure, number
from benchmarks.machine import describe_machine

Results = dict[str, list[Figure] | None]  # None: the benchmark could not run


def benchmark_names() -> list[str]:
    """Modules here that define `run`."""
    names = [module.name for module in pkgutil.iter_modules(benchmarks.__path__)]
    return [name for name in names if "\ndef run(" in _source(name)]


def _source(name: str) -> str:
    return (Path(__file__).parent / f"{name}.py").read_text("utf-8") if not name.startswith("_") else ""


def run_all(names: list[str]) -> Results:
    """The figures of each benchmark; one that fails does not keep the others from running."""
    results: Results = {}
    for name in names:
        print(f"running {name} …", file=sys.stderr)
        try:
            results[name] = import_module(f"benchmarks.{name}").run()
        except Exception:  # noqa: BLE001 - the edge of the runner: the report says that it could not run
            traceback.print_exc()
            results[name] = None
    return results


def to_text(results: Results, machine: dict[str, str]) -> str:
    """For a terminal."""
    lines = [f"{key}: {value}" for key, value in machine.items()]
    for name, figures in results.items():
        lines += ["", name] + (["  not measured: it could not run"] if figures is None else [])
        for figure in figures or []:
            lines.append("  " + "  ".join(_cell(text, width) for text, width in zip(_row(figure), WIDTHS, strict=True)))
    return "\n".join(lines) + "\n"


def to_markdown(results: Results, machine: dict[str, str]) -> str:
    """For docs/benchmarks.md."""
    lines = [
        "# Benchmarks",
        "",
        "Written by `python -m benchmarks --write docs/benchmarks.md`. All figures of a table are of one run on one",
        "machine; what was compared ran in turn, so that a ratio says more than either of its times. A value with",
        "quartiles is a median.",
        "",
        *(f"- {key}: {value}" for key, value in machine.items()),
    ]
    for name, figures in results.items():
        lines += ["", f"## {name}", ""]
        if figures is None:
            lines.append("Not measured: it could not run.")
            continue
        lines += ["| what | value | quartiles | n | promise | kept |", "|---|--:|--:|--:|--:|---|"]
        lines += ["| " + " | ".join(_row(figure)) + " |" for figure in figures]
    return "\n".join(lines) + "\n"


def to_json(results: Results, machine: dict[str, str]) -> str:
    """For programs."""
    found = {
        name: None if figures is None else [asdict(figure) | {"kept": figure.kept} for figure in figures]
        for name, figures in results.items()
    }
    return json.dumps({"machine": machine, "benchmarks": found}, indent=1)


WIDTHS = (-58, 14, 19, 7, -14, -4)


def _cell(text: str, width: int) -> str:
    return text.ljust(-width) if width < 0 else text.rjust(width)


def _row(figure: Figure) -> tuple[str, ...]:
    quartiles = " – ".join(map(number, figure.quartiles)) if figure.quartiles else ""
    kept = {True: "yes", False: "NO", None: ""}[figure.kept]
    count = str(figure.n) if figure.n else ""
    return figure.name, f"{number(figure.value)} {figure.unit}".strip(), quartiles, count, figure.promise, kept


def _compile() -> None:
    """Compile every module, as it is done where a package is installed: else each start of a command does it."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    compileall.compile_dir(Path(voxtrace.__file__).parent, quiet=1)


def main() -> int:
    known = benchmark_names()
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure what Voxtrace itself costs.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which to run: {', '.join(known)} (default: all)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--write", type=Path, metavar="FILE", help="also write a Markdown page")
    args = parser.parse_args()
    unknown = sorted(set(args.names) - set(known))
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are: {', '.join(known)}")
    _compile()
    machine = describe_machine()  # before the run: it says how busy the machine was
    results = run_all(args.names or known)
    print(to_json(results, machine) if args.json else to_text(results, machine), end="")
    if args.write:
        args.write.parent.mkdir(parents=True, exist_ok=True)
        args.write.write_text(to_markdown(results, machine), "utf-8")
    good = all(
        figures is not None and all(figure.kept is not False for figure in figures) for figures in results.values()
    )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
