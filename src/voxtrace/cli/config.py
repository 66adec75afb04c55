"""`voxtrace config`: every setting, its value, and where the value came from."""

from __future__ import annotations

import json
import os
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from voxtrace.config import SETTINGS, Value, default_data_folder, load_settings

# Read by Voxtrace and no setting of a service.
OTHER_VARIABLES = frozenset({"VOXTRACE_DATA", "VOXTRACE_SAMPLES", "VOXTRACE_LIFELINE"})


class ConfigCommand:
    """Shows what a service started now would work with."""

    name: ClassVar[str] = "config"
    details: ClassVar[str] = """\
A flag wins over an environment variable, that over voxtrace.toml in the data folder, that over the default:

  VOXTRACE_WORKERS=4 voxtrace config
  echo 'keep_days = 7' >> "$DATA/voxtrace.toml" && voxtrace config --data "$DATA"
"""

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON")

    def run(self, args: Namespace) -> int:
        values = load_settings(args.data, {})
        unknown = unknown_variables(os.environ)
        if args.json:
            print(json.dumps(to_json(args.data, values, unknown), indent=2))
        else:
            print(to_table(args.data, values))
            for variable in unknown:
                print(f"note: nothing reads {variable}; is it a typing error?")
        return 0


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """Variables that look like ours and that nothing reads."""
    known = {setting.variable for setting in SETTINGS} | OTHER_VARIABLES
    return sorted(name for name in environ if name.startswith("VOXTRACE_") and name not in known)


def data_source(folder: Path) -> str:
    """Where the data folder's own name came from."""
    if folder != default_data_folder():
        return "flag"
    return "environment" if os.environ.get("VOXTRACE_DATA") else "default"


def to_json(folder: Path, values: Mapping[str, Value], unknown: list[str]) -> dict[str, object]:
    """The settings as one JSON object."""
    return {
        "data": {"value": str(folder), "source": data_source(folder)},
        "settings": {
            name: {"value": each.value, "source": each.source, "where": each.where} for name, each in values.items()
        },
        "unknown_variables": unknown,
    }


def to_table(folder: Path, values: Mapping[str, Value]) -> str:
    """The settings as an aligned table."""
    rows = [("setting", "value", "from"), ("data", str(folder), data_source(folder))]
    for name, each in values.items():
        shown = '""' if each.value == "" else str(each.value)
        rows.append((name, shown, f"{each.source} {each.where}".rstrip()))
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    return "\n".join(f"{name:<{widths[0]}}  {value:<{widths[1]}}  {source}" for name, value, source in rows)
