"""Layers over a chain of backends: how many each can hold, and which backends hold them all."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, combinations, pairwise
from math import fsum
from typing import Self

from app.text.address import Address

EXACT_UP_TO = 12
"""Among so many backends every set is looked at; of more, only the likeliest are."""
_FULL = 1024
"""All of a device's room; the smallest even share is found to this precision."""


@dataclass(frozen=True, slots=True)
class Load:
    """What a model puts on devices, in bytes; its layers include the output, as the last."""

    before: tuple[int, ...]
    """Weights and caches of all layers before each one, and at the end those of all."""
    compute_bytes: int
    """On each device that has layers."""
    output_compute_bytes: int
    """The same on the device with the output; never less."""
    least: int
    """A device with less room holds no layer at all."""

    @classmethod
    def of(cls, sizes: Sequence[int], compute_bytes: int, output_compute_bytes: int) -> Self:
        """That of layers with these weights and caches."""
        before = tuple(accumulate(sizes, initial=0))
        return cls(before, compute_bytes, output_compute_bytes, min(sizes) + compute_bytes)

    @property
    def layers(self) -> int:
        """How many."""
        return len(self.before) - 1

    @property
    def needed(self) -> int:
        """The room that is needed beside the compute buffer of each device without the output."""
        return self.before[-1] + self.output_compute_bytes - self.compute_bytes

    def reach(self, first: int, room: int) -> int:
        """The end of the layers from `first` on that a device with `room` holds; `first` where none."""
        before = self.before
        if first < self.layers and before[-1] - before[first] + self.output_compute_bytes <= room:
            return self.layers
        end = bisect_right(before, before[first] + room - self.compute_bytes, first, self.layers) - 1
        return max(first, end)


@dataclass(frozen=True, slots=True)
class Room:
    """What there is on one backend."""

    address: Address
    latency_ms: float
    devices: tuple[int, ...]
    """Bytes that each device has for layers; negative where its margin is not free."""

    def holds_one(self, load: Load) -> bool:
        """Whether it could hold any layer."""
        return max(self.devices, default=0) >= load.least

    def for_layers(self, load: Load) -> int:
        """At most so many bytes of layers, on all devices together."""
        return sum([room - load.compute_bytes for room in self.devices if room > load.compute_bytes])


Chain = tuple[Room, ...]
"""Backends in the order in which they get their layers."""


def by_link(rooms: Iterable[Room]) -> Chain:
    """Fastest link first."""
    return tuple(sorted(rooms, key=lambda room: (room.latency_ms, room.address)))


def fill(chain: Chain, load: Load, share: int = _FULL, *, all_used: bool = False) -> list[int]:
    """How many layers each device gets if each takes what it can, up to a `share` of its room.

    No other division of the layers over this chain goes further, for what a device holds from some layer on
    never ends behind what it holds from a later one on. With `all_used` each device takes one layer at
    least, and leaves one for each backend behind it, where they can hold any.
    """
    counts: list[int] = []
    first = 0
    waiting = sum(room.holds_one(load) for room in chain)
    for room in chain:
        waiting -= room.holds_one(load)
        for device in room.devices:
            end = load.reach(first, device * share // _FULL)
            if all_used:
                one = min(first + 1, load.reach(first, device))
                end = max(one, min(end, load.layers - waiting))
            counts.append(end - first)
            first = end
    return counts


def overfill(chain: Chain, load: Load) -> list[int]:
    """How many layers each device gets of a model that does not fit: as many as its share of the room.

    Where no device has any room, all get the same.
    """
    rooms = [max(0, device) for room in chain for device in room.devices]
    shares = list(accumulate(rooms if any(rooms) else [1] * len(rooms)))
    ends = [share * load.layers // shares[-1] for share in shares]
    return [end - begin for begin, end in pairwise((0, *ends))]


def holds(rooms: Iterable[Room], load: Load) -> bool:
    """Whether all layers have a place on these."""
    return any(sum(fill(chain, load)) == load.layers for chain in _orders(rooms))


def fewest(rooms: Sequence[Room], forced: Chain, load: Load, max_devices: int) -> Chain:
    """The fewest that hold the model, with the forced ones; of several such sets that with the fastest links.

    The largest of them must hold it, with the forced ones. With more than EXACT_UP_TO to choose from, only
    the largest and the fastest are looked at, so that it may miss a set that is a little better.
    """
    likely = by_link(rooms if len(rooms) <= EXACT_UP_TO else _likeliest(rooms, forced, load, max_devices))
    missing = load.needed - _for_layers(forced, load)
    by_size = _by_size(likely, load)
    enough = next(n for n in range(len(likely) + 1) if _for_layers(by_size[:n], load) >= missing)
    sets = (
        chosen
        for count in range(enough, len(likely) + 1)
        for chosen in sorted(
            (
                by_link((*forced, *others))
                for others in combinations(likely, count)
                if _for_layers(others, load) >= missing and _devices((*forced, *others)) <= max_devices
            ),
            key=_slowness,
        )
    )
    return next(chosen for chosen in sets if holds(chosen, load))


def largest(rooms: Iterable[Room], load: Load, max_devices: int) -> list[Room]:
    """The largest ones that together have no more than so many devices, in order of size."""
    taken: list[Room] = []
    for room in _by_size(rooms, load):
        if len(room.devices) <= max_devices:
            taken.append(room)
            max_devices -= len(room.devices)
    return taken


def spread(chosen: Iterable[Room], load: Load) -> tuple[Chain, list[int]]:
    """The order of backends that hold the model, and the layers of each of their devices.

    All on one device where it is on a single backend and one holds all: each further device costs time.
    Else each device is filled to the same share of its room, as nothing is known of how fast they compute,
    and a box that is full to its last byte is the first to fail; what does not come out even falls to the
    end of the chain, which is the slowest link. Every backend gets a layer where that is possible.
    """
    orders = tuple(_orders(chosen))
    if len(orders) == 1:
        devices = orders[0][0].devices
        for place, room in enumerate(devices):
            if load.reach(0, room) == load.layers:
                return orders[0], [load.layers if other == place else 0 for other in range(len(devices))]
    chain, all_used = next(
        (chain, all_used)
        for all_used in (True, False)
        for chain in orders
        if sum(fill(chain, load, all_used=all_used)) == load.layers
    )

    def suffices(share: int) -> bool:
        return sum(fill(chain, load, share, all_used=all_used)) == load.layers

    return chain, fill(chain, load, bisect_left(range(_FULL), True, key=suffices), all_used=all_used)


def _orders(rooms: Iterable[Room]) -> Iterator[Chain]:
    """Fastest link first, but each in turn last, from the slowest on: the output may fit on no other.

    Where the other layers are of one size, no further order holds more.
    """
    chain = by_link(rooms)
    for place in reversed(range(len(chain))):
        yield (*chain[:place], *chain[place + 1 :], chain[place])


def _likeliest(rooms: Sequence[Room], forced: Chain, load: Load, max_devices: int) -> list[Room]:
    """As few of the largest as hold the model, and the fastest others."""
    large = largest(rooms, load, max_devices - _devices(forced))
    enough = next(n for n in range(len(large) + 1) if holds((*forced, *large[:n]), load))
    large = large[:enough]
    # One that is too small to stand in for any of them is of no use, however fast.
    least = load.needed - _for_layers((*forced, *large[:-1]), load)
    others = [room for room in by_link(rooms) if room not in large and room.for_layers(load) >= least]
    return [*large, *others[: max(0, EXACT_UP_TO - enough)]]


def _devices(rooms: Iterable[Room]) -> int:
    return sum(len(room.devices) for room in rooms)


def _for_layers(rooms: Iterable[Room], load: Load) -> int:
    return sum(room.for_layers(load) for room in rooms)


def _by_size(rooms: Iterable[Room], load: Load) -> list[Room]:
    """Largest first; of equals the one with the fastest link."""
    return sorted(by_link(rooms), key=lambda room: -room.for_layers(load))


def _slowness(chain: Chain) -> tuple[float, list[Address]]:
    return fsum(room.latency_ms for room in chain), [room.address for room in chain]
