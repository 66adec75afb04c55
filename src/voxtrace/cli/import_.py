"""`voxtrace import`: logs and result files of other tools into the store."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import ClassVar

from voxtrace.cli.import_progress import Progress
from voxtrace.cli.import_summary import to_json, to_text
from voxtrace.cli.small_records import no_search_for_cycles
from voxtrace.cli.zones import zone_argument, zone_asked
from voxtrace.collector.importing import FileReport, Importing, unfinished
from voxtrace.collector.reading import ReadOptions
from voxtrace.collector.sources import find_sources
from voxtrace.errors import EXIT_USAGE
from voxtrace.importers import IMPORTERS
from voxtrace.store import open_store


class ImportCommand:
    """Reads what other tools wrote, finds out the format, and says what became of each file."""

    name: ClassVar[str] = "import"
    details: ClassVar[str] = """\
PATH is a file, a folder, a pattern in quotes, or - for standard input; gzip is unpacked. The format is found
out from the content. Importing a file twice stores nothing twice, so a log that grew is simply imported again.

  voxtrace import shared/latency.log
  voxtrace import artifacts/bench --timezone America/Los_Angeles
  voxtrace import 'logs/**/*.gz' --dry-run
  ssh box cat /var/log/latency.log | voxtrace import -

Exit code 0: something was read. 2: nothing was.

Formats:
""" + "".join(f"  {importer.name:20} {importer.title}\n" for importer in IMPORTERS)

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", metavar="PATH", help="file, folder, pattern, or - for standard input")
        parser.add_argument("--format", metavar="NAME", help="take every file for this format instead of finding out")
        zone_argument(parser)
        parser.add_argument("--dry-run", action="store_true", help="read everything and store nothing")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def run(self, args: Namespace) -> int:
        options = ReadOptions(args.format, zone_asked(args))
        store = None if args.dry_run else open_store(args.data)
        reports: list[FileReport] = []
        try:
            run = Importing(store, options)
            with Progress() as progress, no_search_for_cycles():
                reports.extend(run.read_all(find_sources(args.paths), progress.opened, progress.read))
            interrupted = unfinished(store.accounts_at_positions()[1]) if store is not None else []
        finally:
            # Also after Ctrl-C and a full disk: a person must see what is in the store and what is not.
            show = to_json if args.json else to_text
            print(show(reports, is_dry_run=args.dry_run))
            if store is not None:
                store.close()
        for name in interrupted:
            progress.say(f"voxtrace: an import of {name} was cut off; import it again to store the rest")
        return 0 if any(report.read for report in reports) else EXIT_USAGE
