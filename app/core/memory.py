"""How much memory some backends have together."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from app.core.backends import Backend
from app.rpc.probe import BackendState, Device
from app.text.units import bytes_text


@dataclass(frozen=True, slots=True)
class Memory:
    """Of one device, or of several."""

    free_bytes: int | None
    """On those that nobody holds; None where each is held: nobody tells what is left on them."""
    total_bytes: int

    def __str__(self) -> str:
        return f"{bytes_text(self.free_bytes)} free of {bytes_text(self.total_bytes)}"


THIS_BOX = "localhost"
"""The name of this box."""


def memory_together(backends: Iterable[Backend]) -> Memory | None:
    """What the enabled ones among `backends` have, that of each box once; None where no device was seen."""
    boxes = defaultdict[str, list[Backend]](list)
    for backend in backends:
        if backend.enabled and backend.devices:
            boxes[box_of(backend.address.host)].append(backend)
    parts = [part for workers in boxes.values() for part in (*_of_gpus(workers), *_of_the_box(workers))]
    if not parts:
        return None
    free = [part.free_bytes for part in parts if part.free_bytes is not None]
    return Memory(sum(free) if free else None, sum(part.total_bytes for part in parts))


def box_of(host: str) -> str:
    """A name of the box that is the same for each address of loopback: all of them are this box."""
    return THIS_BOX if host.startswith("127.") else host


def claims_all(device: Device) -> bool:
    """Whether all of it is said to be free, as a CPU says of its box: nothing else tells it from a GPU."""
    return device.free_bytes == device.total_bytes


def _of_gpus(workers: Sequence[Backend]) -> Iterator[Memory]:
    """The devices that have their own memory: each worker has others."""
    for worker in workers:
        for device in worker.devices:
            if not claims_all(device):
                yield Memory(device.free_bytes if _is_unheld(worker) else None, device.total_bytes)


def _of_the_box(workers: Sequence[Backend]) -> Iterator[Memory]:
    """What several workers of one box claim, each as a whole; free where none of them is held."""
    claims = {worker: Counter(d.total_bytes for d in worker.devices if claims_all(d)) for worker in workers}
    for size in set().union(*claims.values()):
        # No CPU is twice in one worker; but there may be GPUs that look as much alike.
        once = size * max(claimed[size] for claimed in claims.values())
        unheld = all(_is_unheld(worker) for worker, claimed in claims.items() if size in claimed)
        yield Memory(once if unheld else None, once)


def _is_unheld(worker: Backend) -> bool:
    return worker.state is BackendState.FREE
