"""Plans the placement of a model over backends, before its coordinator starts."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, inf
from typing import Self

from app.core.backends import Backend
from app.core.memory import Memory
from app.core.plan import Cache, Excluded, Misfit, Needs, Plan, PlannedDevice, Suggestion, Wish
from app.core.plan_reasons import Outcome, reasons_for, why_unused
from app.core.rooms import rooms
from app.core.spread import Chain, Load, Room, by_link, fewest, fill, holds, largest, spread
from app.text.address import Address
from app.text.units import GIB

_CONTEXT_STEP = 256
"""llama.cpp rounds a context up to a multiple of it (`llama_context` in src/llama-context.cpp)."""
_MEMORY_STEP = GIB // 2
_FINEST_FIRST = ("f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0")
"""Types of a cache, none smaller than those behind it."""
_ONE_MORE = Address("", 0)
"""Of a backend that is not there."""


def plan_placement(
    needs: Needs[Cache], wish: Wish[Cache], backends: Iterable[Backend], host: Memory | None = None
) -> Plan | Misfit[Cache]:
    """Which layers of a model go on which device, all of them on backends; or what is missing for that.

    It takes the fewest backends that hold the model with the margin, and of several such sets that with the
    lowest sum of latencies: each further backend adds memory and a hop for every token, but no speed. The
    fastest link is first. The same backends give the same plan, in whatever order they come.

    `host` is the memory of the coordinator's box; None where it is not known.
    """
    seen = {backend.address: backend for backend in sorted(backends, key=lambda b: b.address)}
    available, excluded = rooms(seen.values(), wish, _without_host_part(host, needs.host_bytes))
    load = _load(needs, wish)
    choice = _Choice.among(available, wish)
    fits = choice.holds(load)
    if fits:
        chain, counts = spread(choice.most(load) if wish.every else choice.fewest(load), load)
    else:
        chain = by_link(choice.most(load))
        counts = fill(chain, load)
    links = {address: backend.latency_ms for address, backend in seen.items()}
    rows = tuple(_rows(chain, counts, needs, wish, load, links))
    outcome = Outcome(seen, chain, rows, load, fits)
    used = {planned.backend for planned in rows}
    unused = (
        Excluded(room.address, why_unused(room, wish, outcome), usable=True)
        for room in available
        if room.address not in used
    )
    excluded = tuple(sorted((*excluded, *unused), key=lambda one: one.address))
    reasons = tuple(reasons_for(needs, wish, outcome, host))
    if fits:
        return Plan(rows, wish.context, wish.k, wish.v, needs.host_bytes, excluded, reasons)
    short_by = load.before[-1] - load.before[sum(counts)]
    nearest = tuple(_nearest(needs, wish, choice))
    return Misfit(rows, short_by, nearest, excluded, reasons, wish.context, wish.k, wish.v, needs.host_bytes)


def _load(needs: Needs[Cache], wish: Wish[Cache]) -> Load:
    """What the model puts on devices when it is placed as wished."""
    sizes = [
        needs.weights_of(layer, 1) + needs.cache_of(layer, 1, wish.context, wish.k, wish.v)
        for layer in range(len(needs.layers) + 1)
    ]
    return Load.of(
        sizes,
        needs.compute_bytes(wish.context, has_output=False),
        needs.compute_bytes(wish.context, has_output=True),
    )


def _without_host_part(host: Memory | None, host_bytes: int) -> Memory | None:
    """What is left for a worker beside the coordinator."""
    if host is None or host.free_bytes is None:
        return None
    return replace(host, free_bytes=max(0, host.free_bytes - host_bytes))


@dataclass(frozen=True, slots=True)
class _Choice:
    """What there is to choose from."""

    forced: Chain
    others: Chain
    max_devices: int

    @classmethod
    def among(cls, available: Iterable[Room], wish: Wish[Cache]) -> Self:
        forced: list[Room] = []
        others: list[Room] = []
        for room in available:
            (forced if room.address in wish.forced else others).append(room)
        return cls(tuple(forced), tuple(others), wish.max_devices)

    def with_another(self, room: Room) -> _Choice:
        return replace(self, others=(*self.others, room))

    def holds(self, load: Load) -> bool:
        return holds(self.most(load), load)

    def most(self, load: Load) -> Chain:
        """All that can hold something; with the forced ones the largest, as far as the engine takes them."""
        forced = self._forced(load)
        left = self.max_devices - sum(len(room.devices) for room in forced)
        return (*forced, *largest(_able(self.others, load), load, left))

    def fewest(self, load: Load) -> Chain:
        return fewest(_able(self.others, load), self._forced(load), load, self.max_devices)

    def _forced(self, load: Load) -> Chain:
        return by_link(largest(_able(self.forced, load), load, self.max_devices))


def _able(rooms: Iterable[Room], load: Load) -> list[Room]:
    return [room for room in rooms if room.holds_one(load)]


def _rows(
    chain: Chain,
    counts: Sequence[int],
    needs: Needs[Cache],
    wish: Wish[Cache],
    load: Load,
    links: Mapping[Address, float | None],
) -> Iterator[PlannedDevice]:
    """The devices of all backends that have layers."""
    first, place = 0, 0
    for room in chain:
        of_backend = counts[place : place + len(room.devices)]
        place += len(room.devices)
        if not any(of_backend):
            continue
        for device, (layers, size) in enumerate(zip(of_backend, room.devices, strict=True)):
            has_output = first + layers == load.layers
            compute = load.output_compute_bytes if has_output else load.compute_bytes
            yield PlannedDevice(
                room.address,
                device,
                layers,
                first,
                weights_bytes=needs.weights_of(first, layers) if layers else 0,
                cache_bytes=needs.cache_of(first, layers, wish.context, wish.k, wish.v) if layers else 0,
                compute_bytes=compute if layers else 0,
                free_before=size + wish.margin_bytes,
                latency_ms=links[room.address],
            )
            first += layers


def _nearest(needs: Needs[Cache], wish: Wish[Cache], choice: _Choice) -> Iterator[Suggestion[Cache]]:
    """The smallest change of each kind after which the model fits."""

    def fits(other: Wish[Cache]) -> bool:
        return choice.holds(_load(needs, other))

    contexts = range(_CONTEXT_STEP, wish.context, _CONTEXT_STEP)
    fitting = bisect_left(contexts, True, key=lambda context: not fits(replace(wish, context=context)))
    if fitting:
        context = contexts[fitting - 1]
        yield Suggestion(f"Context {wish.context:,} → {context:,} fits.", replace(wish, context=context))
    coarser = next(filter(fits, _with_coarser_caches(wish)), None)
    if coarser is not None:
        before, after = _cache_text(wish), _cache_text(coarser)
        yield Suggestion(f"Cache type {before} → {after} fits.", coarser)
    yield from _one_more(wish, choice, _load(needs, wish))


def _with_coarser_caches(wish: Wish[Cache]) -> Iterator[Wish[Cache]]:
    """The wish with smaller and smaller types of cache; one that is smaller already stays as it is."""
    for rank, name in enumerate(_FINEST_FIRST):
        k, v = (
            # The type itself knows its members by their names.
            type(cache)(name) if cache in _FINEST_FIRST[:rank] else cache
            for cache in (wish.k, wish.v)
        )
        if (k, v) != (wish.k, wish.v):
            yield replace(wish, k=k, v=v)


def _cache_text(wish: Wish[Cache]) -> str:
    return str(wish.k) if wish.k == wish.v else f"{wish.k} and {wish.v}"


def _one_more(wish: Wish[Cache], choice: _Choice, load: Load) -> Iterator[Suggestion[Cache]]:
    """The smallest backend that would help, however fast its link is."""

    def fits(free_bytes: int) -> bool:
        new = (Room(_ONE_MORE, latency, (free_bytes - wish.margin_bytes,)) for latency in (0.0, inf))
        return all(choice.with_another(room).holds(load) for room in new)

    enough = load.needed + load.compute_bytes + wish.margin_bytes
    sizes = range(_MEMORY_STEP, ceil(enough / _MEMORY_STEP) * _MEMORY_STEP + 1, _MEMORY_STEP)
    place = bisect_left(sizes, True, key=fits)
    if place < len(sizes):
        size = sizes[place]
        yield Suggestion(f"One more backend with {size / GIB:.1f} GiB free makes it fit.", wish, size)
