"""The engines of one server: the one that speaks unless told otherwise, and those asked for by a model's name."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from voxtrace.speech.errors import SpeechError
from voxtrace.speech.pool import Pool, PoolOptions
from voxtrace.speech.quality import AUTO
from voxtrace.speech.tuning import Tuning

if TYPE_CHECKING:
    from voxtrace.speech.cache.source import CachedSource
    from voxtrace.speech.hedge import HedgedSource
    from voxtrace.speech.job import Source
    from voxtrace.speech.ports import Catalogue

LOG = logging.getLogger("voxtrace.speech")


@dataclass(slots=True)
class Backend:
    """One engine in its processes."""

    model: str  # the name by which it is asked for
    pool: Pool
    catalogue: Catalogue
    cache: CachedSource | None = None
    hedge: HedgedSource | None = None  # None: nobody stands in for it
    tuning: Tuning | None = None  # None: its engine has no modes

    @property
    def source(self) -> Source:
        """Who takes its jobs."""
        return self.hedge or self.cache or self.pool


@dataclass(slots=True)
class Backends:
    """All engines that are loaded, and why others are not."""

    first: Backend
    others: dict[str, Backend] = field(default_factory=dict)
    unloaded: dict[str, str] = field(default_factory=dict)  # model: why

    @property
    def all(self) -> list[Backend]:
        """The first one first."""
        return [self.first, *self.others.values()]

    async def stop(self) -> None:
        """End every process."""
        await asyncio.gather(*(backend.pool.stop() for backend in self.all))
        for backend in self.all:
            if backend.cache is not None:
                await backend.cache.close()


async def start_backends(first: PoolOptions, models: Mapping[str, PoolOptions], quality: str = AUTO) -> Backends:
    """Start all engines at once and wait for them. A model that can't be loaded is no reason not to speak at all.

    `quality` is the mode of all requests that ask for none; auto: as each engine's measured times allow.

    Raises:
        EngineDidNotStart: the first one is not there.
    """
    pools = {name: Pool(options) for name, options in models.items()}
    first_pool, catalogue = Pool(first), None
    loading = [asyncio.ensure_future(_start(pool)) for pool in pools.values()]
    try:
        catalogue = await first_pool.start()
        told_by_others = await asyncio.gather(*loading)
    finally:
        if catalogue is None or not all(each.done() for each in loading):  # it was interrupted
            await asyncio.gather(first_pool.stop(), *(pool.stop() for pool in pools.values()))
    backends = Backends(_backend(catalogue.engine, first_pool, catalogue, quality))
    for (name, pool), told in zip(pools.items(), told_by_others, strict=True):
        if isinstance(told, SpeechError):
            LOG.warning("the model %s is not loaded: %s", name, told)
            backends.unloaded[name] = str(told)
        else:
            backends.others[name] = _backend(name, pool, told, quality)
    return backends


def _backend(model: str, pool: Pool, catalogue: Catalogue, quality: str) -> Backend:
    modes = catalogue.abilities.modes
    return Backend(model, pool, catalogue, tuning=Tuning(modes, quality) if modes else None)


async def _start(pool: Pool) -> Catalogue | SpeechError:
    try:
        return await pool.start()
    except SpeechError as why:
        await pool.stop()
        return why
