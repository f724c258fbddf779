"""Plans the placement of a model over backends, before its coordinator starts."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, inf
from typing import Self

from app.core.backends import Backend
from app.core.lessons import NOTHING_LEARNT, Lessons
from app.core.memory import Memory
from app.core.plan import Excluded, Misfit, Needs, Plan, PlannedDevice, Split, Suggestion, Wish
from app.core.plan_reasons import Outcome, reasons_for, why_unused
from app.core.rooms import rooms
from app.core.spread import Chain, Load, Room, by_link, fewest, fill, holds, largest, overfill, spread
from app.gguf.cache import CacheType
from app.text.address import Address
from app.text.units import GIB

_CONTEXT_STEP = 256
"""llama.cpp rounds a context up to a multiple of it (`llama_context` in src/llama-context.cpp)."""
_MEMORY_STEP = GIB // 2
_FINEST_FIRST = tuple(kind for kind in CacheType if kind is not CacheType.IQ4_NL)
"""Types of a cache, none smaller than those behind it; one that is as small as another is left out."""
_ONE_MORE = Address("", 0)
"""Of a backend that is not there."""


def plan_placement(
    needs: Needs,
    wish: Wish,
    backends: Iterable[Backend],
    host: Memory | None = None,
    lessons: Lessons = NOTHING_LEARNT,
) -> Plan | Misfit:
    """Which layers of a model go on which device, all of them on backends; or what is missing for that.

    It takes the fewest backends that hold the model with the margin, and of several such sets that with the
    lowest sum of latencies: each further backend adds memory and a hop for every token, but no speed. The
    fastest link is first. The same backends give the same plan, in whatever order they come.

    What does not fit is placed all the same where the wish says so: each device gets as many layers as its
    share of the room, and is to hold more than it has.

    `host` is the memory of the coordinator's box; None where it is not known. What `lessons` say of a device
    is kept free there beside the margin.
    """
    seen = {backend.address: backend for backend in sorted(backends, key=lambda b: b.address)}
    available, excluded = rooms(seen.values(), wish, _without_host_part(host, needs.host_bytes), lessons)
    load = _load(needs, wish)
    choice = _Choice.among(available, wish)
    fits = choice.holds(load)
    if fits:
        chain, counts = spread(choice.most(load) if wish.every else choice.fewest(load), load)
    elif wish.anyway:
        chain = by_link(largest(available, load, wish.max_devices))
        counts = overfill(chain, load) if chain else []
    else:
        chain = by_link(choice.most(load))
        counts = fill(chain, load)
    rows = tuple(_rows(chain, counts, needs, wish, load, seen, lessons))
    outcome = Outcome(seen, chain, rows, load, fits)
    excluded = _left_out(available, excluded, wish, outcome, lessons)
    reasons = _reasons(needs, wish, outcome, host, lessons)
    short_by = 0 if fits else load.before[-1] - load.before[sum(fill(chain, load))]
    if sum(counts) == load.layers:
        return Plan(rows, wish.context, wish.k, wish.v, needs.host_bytes, excluded, reasons, short_by)
    nearest = tuple(_nearest(needs, wish, choice))
    return Misfit(rows, short_by, nearest, excluded, reasons, wish.context, wish.k, wish.v, needs.host_bytes)


def plan_split(
    needs: Needs,
    wish: Wish,
    split: Split,
    backends: Iterable[Backend],
    host: Memory | None = None,
    lessons: Lessons = NOTHING_LEARNT,
) -> Plan | None:
    """The plan with exactly these layers on these devices; None where they have no place.

    What several workers of one box claim is shared among those that `split` names.
    """
    seen = {backend.address: backend for backend in sorted(backends, key=lambda b: b.address)}
    sharing = replace(wish, forced=frozenset(address for address, _ in split), every=False)
    available, excluded = rooms(seen.values(), sharing, _without_host_part(host, needs.host_bytes), lessons)
    room_of = {room.address: room for room in available}
    chain = tuple(room_of[address] for address, _ in split if address in room_of)
    if [len(layers) for _, layers in split] != [len(room.devices) for room in chain]:
        return None
    load = _load(needs, wish)
    counts = [count for _, layers in split for count in layers]
    if sum(counts) != load.layers:
        return None
    rows = tuple(_rows(chain, counts, needs, wish, load, seen, lessons))
    if any(row.layers and row.free_after < wish.margin_bytes for row in rows):
        return None
    outcome = Outcome(seen, chain, rows, load, fits=True, is_given=True)
    left_out = _left_out(available, excluded, wish, outcome, lessons)
    reasons = _reasons(needs, wish, outcome, host, lessons)
    return Plan(rows, wish.context, wish.k, wish.v, needs.host_bytes, left_out, reasons)


def _left_out(
    available: Iterable[Room],
    excluded: Iterable[Excluded],
    wish: Wish,
    outcome: Outcome,
    lessons: Lessons,
) -> tuple[Excluded, ...]:
    """Those that cannot be used, and those that have no layers all the same."""
    used = {planned.backend for planned in outcome.rows}
    unused = (
        Excluded(
            room.address,
            " ".join((why_unused(room, wish, outcome), *lessons.sentences(room.address))),
            usable=True,
        )
        for room in available
        if room.address not in used
    )
    return tuple(sorted((*excluded, *unused), key=lambda one: one.address))


def _reasons(
    needs: Needs, wish: Wish, outcome: Outcome, host: Memory | None, lessons: Lessons
) -> tuple[str, ...]:
    learnt = (lesson for backend in outcome.used for lesson in lessons.sentences(backend.address))
    return (*reasons_for(needs, wish, outcome, host), *learnt)


def _load(needs: Needs, wish: Wish) -> Load:
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
    def among(cls, available: Iterable[Room], wish: Wish) -> Self:
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
    needs: Needs,
    wish: Wish,
    load: Load,
    seen: Mapping[Address, Backend],
    lessons: Lessons,
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
            learnt = lessons.kept_bytes(room.address, device)
            yield PlannedDevice(
                room.address,
                device,
                layers,
                first,
                weights_bytes=needs.weights_of(first, layers) if layers else 0,
                cache_bytes=needs.cache_of(first, layers, wish.context, wish.k, wish.v) if layers else 0,
                compute_bytes=compute if layers else 0,
                free_before=size + wish.margin_bytes + learnt,
                learnt_bytes=learnt if layers else 0,
                latency_ms=seen[room.address].latency_ms,
            )
            first += layers


def _nearest(needs: Needs, wish: Wish, choice: _Choice) -> Iterator[Suggestion]:
    """The smallest change of each kind after which the model fits."""

    def fits(other: Wish) -> bool:
        return choice.holds(_load(needs, other))

    contexts = range(_CONTEXT_STEP, wish.context, _CONTEXT_STEP)
    fitting = bisect_left(contexts, True, key=lambda context: not fits(replace(wish, context=context)))
    if fitting:
        context = contexts[fitting - 1]
        yield Suggestion(f"Context {wish.context:,} → {context:,} fits.", replace(wish, context=context))
    possible = (c for c in _with_coarser_caches(wish) if needs.why_not_cached(c.k, c.v) is None)
    coarser = next(filter(fits, possible), None)
    if coarser is not None:
        before, after = _cache_text(wish), _cache_text(coarser)
        yield Suggestion(f"Cache type {before} → {after} fits.", coarser)
    yield from _one_more(wish, choice, _load(needs, wish))


def _with_coarser_caches(wish: Wish) -> Iterator[Wish]:
    """The wish with smaller and smaller types of cache; one that is smaller already stays as it is."""
    for rank, kind in enumerate(_FINEST_FIRST):
        k, v = (kind if cache in _FINEST_FIRST[:rank] else cache for cache in (wish.k, wish.v))
        if (k, v) != (wish.k, wish.v):
            yield replace(wish, k=k, v=v)


def _cache_text(wish: Wish) -> str:
    return str(wish.k) if wish.k == wish.v else f"{wish.k} and {wish.v}"


def _one_more(wish: Wish, choice: _Choice, load: Load) -> Iterator[Suggestion]:
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
