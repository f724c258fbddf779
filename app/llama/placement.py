"""Where a model went, read from the log of its load."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

from app.llama.log import LogLine
from app.llama.log_facts import (
    BufferAllocated,
    BufferKind,
    CacheSized,
    DeviceFound,
    DeviceUsed,
    LayerAssigned,
    LayersOffloaded,
    TensorsLoading,
)
from app.llama.log_reader import read_fact
from app.text.address import Address
from app.text.units import MIB

_PRINTED_WITHIN = MIB // 100
"""Two sizes with two decimals of a MiB can be this far off together."""
_PADDING = 1024
"""Of one layer's cache, for its alignment on a device."""
_ALL_IN_ONE = "Meta()"
"""Stands for all devices together where each of them holds a part of every layer (`-sm tensor`)."""


@dataclass(frozen=True, slots=True)
class PlacedDevice:
    """What one device holds, in bytes."""

    address: Address | None
    """The backend; None for this box."""
    device: str
    """As llama-server calls it: `RPC1`, `CUDA0`, `CPU`."""
    layers: int | None
    """The output counts as one; None where the log does not tell."""
    model_bytes: int
    kv_bytes: int
    compute_bytes: int


class PlacementReader:
    """Reads a log from its start, and knows the placement of its last load.

    A load may be preceded by dry runs that only measure; each begins anew.
    """

    def __init__(self) -> None:
        self._names: dict[_RemoteDevice, str] = {}
        self._announced: list[str] = []
        self._load = _Load()

    @property
    def placement(self) -> tuple[PlacedDevice, ...]:
        """Every device that holds something; empty where the log does not tell."""
        return self._load.placement()

    def feed(self, line: LogLine) -> None:
        """Take the next line."""
        match read_fact(line):
            case DeviceFound(device, endpoint):
                self._learn_name(device, endpoint)
            case DeviceUsed(device, endpoint):
                self._learn_name(device, endpoint)
                self._announced.append(device)
            case TensorsLoading():
                self._load = _Load(self._announced)
                self._announced = []
            case LayersOffloaded(_, total):
                self._load.total_layers = total
            case LayerAssigned(layer, device):
                self._load.assigned[layer] = device
            case BufferAllocated(address, device, index, kind, size):
                name = device if address is None else self._name(address, index)
                self._load.allocate(_Holder(address, name), kind, size)
            case CacheSized(layers, size):
                self._load.close_cache(layers, size)

    def _learn_name(self, device: str, endpoint: Address | None) -> None:
        """Devices of one backend are named one after the other; each is listed, then perhaps used."""
        if endpoint is not None and device not in self._names.values():
            place = sum(known.address == endpoint for known in self._names)
            self._names[_RemoteDevice(endpoint, place)] = device

    def _name(self, address: Address, index: int) -> str:
        return self._names.get(_RemoteDevice(address, index), f"RPC{index}")


class _RemoteDevice(NamedTuple):
    address: Address
    place: int


class _Holder(NamedTuple):
    address: Address | None
    device: str


_CPU = _Holder(None, "CPU")


@dataclass(slots=True)
class _Load:
    """One pass over the model's tensors."""

    used: list[str] = field(default_factory=list)
    """The devices in the order in which they get layers; after all of them, or before, the CPU."""
    total_layers: int | None = None
    assigned: dict[int, str] = field(default_factory=dict)
    model: Counter[_Holder] = field(default_factory=Counter)
    cache: Counter[_Holder] = field(default_factory=Counter)
    compute: dict[_Holder, int] = field(default_factory=dict)
    output: Counter[_Holder] = field(default_factory=Counter)
    open_cache: Counter[_Holder] = field(default_factory=Counter)
    cached_layers: Counter[_Holder] = field(default_factory=Counter)
    uneven: bool = False
    """Some cache has layers of different sizes, so that bytes do not tell their number."""

    def allocate(self, holder: _Holder, kind: BufferKind, size: int) -> None:
        """Count a buffer; the compute buffer of a device may be made anew, in place of its last one."""
        match kind:
            case BufferKind.MODEL:
                self.model[holder] += size
            case BufferKind.CACHE:
                self.cache[holder] += size
                self.open_cache[holder] += size
            case BufferKind.COMPUTE:
                self.compute[holder] = size
            case BufferKind.OUTPUT:
                self.output[holder] += size

    def close_cache(self, layers: int, size: int) -> None:
        """All buffers of one cache are known: find how many of its layers each device has."""
        counts = _layers_by_bytes(self.open_cache, layers, size)
        self.uneven |= counts is None
        self.cached_layers.update(counts or {})
        self.open_cache = Counter()

    def placement(self) -> tuple[PlacedDevice, ...]:
        holders = {**self.model, **self.cache, **self.compute}
        if _Holder(None, _ALL_IN_ONE) in holders:
            return ()
        layers = self._layers()
        return tuple(
            PlacedDevice(
                address=holder.address,
                device=holder.device,
                layers=None if layers is None else layers[holder],
                model_bytes=self.model[holder],
                kv_bytes=self.cache[holder],
                compute_bytes=self.compute.get(holder, 0) + self.output[holder],
            )
            for holder in sorted(holders, key=self._turn)
        )

    def _turn(self, holder: _Holder) -> int:
        return self.used.index(holder.device) if holder.device in self.used else len(self.used)

    def _layers(self) -> Counter[_Holder] | None:
        """Layers of each device, as the log says at its highest level, or as the caches betray."""
        if self.assigned:
            by_name = {holder.device: holder for holder in (*self.model, *self.cache)}
            return Counter(by_name.get(device, _CPU) for device in self.assigned.values())
        layers = self.cached_layers + Counter([self._holder_of_output()])
        return None if self.uneven or layers.total() != self.total_layers else layers

    def _holder_of_output(self) -> _Holder:
        """The output follows the last layer, so it is on the last device that has weights at all."""
        with_weights = [holder for holder in self.model if holder != _CPU and self.model[holder]]
        return max(with_weights, key=self._turn, default=_CPU)


def _layers_by_bytes(held: Counter[_Holder], layers: int, size: int) -> dict[_Holder, int] | None:
    """Layers of one cache on each device; None where its layers are not all of one size, or too small."""
    per_layer = size / layers if layers else 0
    if per_layer <= 4 * _PRINTED_WITHIN:
        return None
    counts: dict[_Holder, int] = defaultdict(int)
    for holder, part in held.items():
        counts[holder] = round(part / per_layer)
        if abs(part - counts[holder] * per_layer) > _PRINTED_WITHIN + counts[holder] * _PADDING:
            return None
    return counts
