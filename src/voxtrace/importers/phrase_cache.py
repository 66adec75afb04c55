"""Kokoro's `predictive_cache.db`: how often which phrase was asked for. Averages, and no single measurement."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath

from voxtrace.importers.ports import ByteStream, Context, HoldsNoEvents, Item
from voxtrace.importers.sqlite_file import MAGIC, has_table, opened


class PhraseCache:
    """Recognised and left out: an average over an unknown number of requests, some cached, is no request."""

    name = "kokoro-phrase-cache"
    title = "Kokoro predictive cache (predictive_cache.db, SQLite)"

    def sniff(self, head: bytes, path: PurePath) -> int:
        return 80 if head.startswith(MAGIC) and b"phrase_usage" in head else 0

    def read(self, stream: ByteStream, context: Context) -> Iterator[Item]:
        with opened(stream) as (database, _):
            if not has_table(database, "phrase_usage", ("phrase_hash", "count", "avg_response_time")):
                raise HoldsNoEvents("it has no table phrase_usage")
            query = "SELECT COUNT(*), COALESCE(SUM(count), 0) FROM phrase_usage"
            phrases, asked = database.execute(query).fetchone()
        raise HoldsNoEvents(
            f"counts of {phrases:,} phrases that were asked for {asked:,} times and an average time for each: "
            "no measurement of a single request"
        )
