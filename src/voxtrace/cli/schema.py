"""`voxtrace schema`: what the JSON of the commands looks like."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from typing import ClassVar

from voxtrace.reports.json_report import schema_name
from voxtrace.reports.schemas import FORMS, TITLES, schema_of


class SchemaCommand:
    """Prints JSON Schemas."""

    name: ClassVar[str] = "schema"
    details: ClassVar[str] = """\
Without a name it lists those there are. The JSON of a command names its schema in its field "schema".

  voxtrace schema
  voxtrace schema report > report.schema.json
"""

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("form", nargs="?", choices=FORMS, help="which")

    def run(self, args: Namespace) -> int:
        if args.form:
            print(json.dumps(schema_of(args.form), indent=2))
        else:
            for form in FORMS:
                print(f"{form:14} {schema_name(form):25} {TITLES[form]}")
        return 0
