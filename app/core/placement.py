"""The actual placement: which layers and bytes went to which device, as the coordinator's log says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from app.core.memory import THIS_BOX, box_of
from app.llama.log import parse_line, read_log
from app.llama.placement import PlacementReader
from app.text.address import Address


@dataclass(frozen=True, slots=True)
class Placement:
    """What one device holds."""

    backend: Address | None
    """None: this box."""
    device: str
    layers: int | None
    model_bytes: int
    kv_bytes: int
    compute_bytes: int

    @property
    def where(self) -> str:
        """The backend's address, or `this box`."""
        return str(self.backend) if self.backend else "this box"

    @property
    def is_here(self) -> bool:
        """Whether that is memory of this box, also where a backend on it holds it."""
        return self.backend is None or box_of(self.backend.host) == THIS_BOX

    @property
    def held_bytes(self) -> int:
        """Weights, KV cache and compute buffers together."""
        return self.model_bytes + self.kv_bytes + self.compute_bytes


@dataclass(frozen=True, slots=True)
class Share:
    """What one backend holds of the model that is loaded, over all its devices."""

    layers: int | None
    """None where the log does not tell."""
    held_bytes: int


def share_of(backend: Address, placement: Iterable[Placement]) -> Share | None:
    """What a backend holds; None where that is nothing."""
    held = [placed for placed in placement if placed.backend == backend]
    if not held:
        return None
    layers = [placed.layers for placed in held]
    total = None if None in layers else sum(count for count in layers if count is not None)
    return Share(total, sum(placed.held_bytes for placed in held))


def read_placement(log: Path) -> tuple[Placement, ...]:
    """The placement of the last load in `log`; blocks on the disk, so call it in a thread."""
    reader = PlacementReader()
    for line in read_log(log):
        reader.feed(parse_line(line))
    return tuple(
        Placement(p.address, p.device, p.layers, p.model_bytes, p.kv_bytes, p.compute_bytes)
        for p in reader.placement
    )


def unused(chosen: Iterable[Address], placement: Iterable[Placement]) -> tuple[Address, ...]:
    """The chosen backends that received no weights; none where the log does not tell the placement."""
    placement = tuple(placement)
    if not placement:
        return ()
    used = {placed.backend for placed in placement if placed.model_bytes > 0}
    return tuple(address for address in chosen if address not in used)
