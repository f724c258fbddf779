"""What the loads of before teach: how much more a device took than was planned for it.

A plan is corrected upwards only. Less than planned is the rule, as the compute buffer is allowed for at its
largest, and to take that for granted would save little and risk an engine that runs out of memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from app.core.placement_history import HeldDevice, PastPlacement
from app.text.address import Address
from app.text.units import MIB, bytes_text, plural

LOADS = 5
"""Of so many of the newest loads of a model with one context the worst counts: what none of them took is
forgotten. Loads of other models do not tell whether this one would take it again."""
ROUNDING_BYTES = MIB
"""No more than this is no difference: the engine tells the size of each buffer in hundredths of a MiB."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """What is to be minded of one device."""

    kept_bytes: int
    """To stay free beside the margin."""
    sentence: str
    """Why."""


@dataclass(frozen=True, slots=True)
class Lessons:
    """Those for a plan."""

    of_devices: Mapping[tuple[str, int], Lesson]
    """By the address of the backend, and the index of the device there."""

    def kept_bytes(self, backend: Address, device: int) -> int:
        """What of its memory a plan must not use."""
        lesson = self.of_devices.get((str(backend), device))
        return lesson.kept_bytes if lesson else 0

    def sentences(self, backend: Address) -> Iterator[str]:
        """What there is to say of a backend."""
        for (address, _), lesson in sorted(self.of_devices.items(), key=lambda item: item[0]):
            if address == str(backend):
                yield lesson.sentence


NOTHING_LEARNT = Lessons({})


@dataclass(frozen=True, slots=True)
class _Loaded:
    """One device in one load."""

    past: PastPlacement
    device: HeldDevice

    def __str__(self) -> str:
        backend, device = self.device.backend, self.device.device
        return f"{backend}, device {device}," if device else backend

    @property
    def day(self) -> str:
        """As this box counts them."""
        return f"{self.past.at.astimezone():%Y-%m-%d}"

    @property
    def teaches(self) -> bool:
        """Where the engine dealt the layers out in another way, its bytes tell nothing of the plan's."""
        planned, actual = self.device.planned, self.device.actual
        return bool(planned.layers) and (actual is None or actual.layers in (None, planned.layers))

    @property
    def excess_bytes(self) -> int:
        """What it took more than planned; what it took less of one kind makes up for another."""
        actual = self.device.actual
        excess = actual.held_bytes - self.device.planned.held_bytes if actual else 0
        return excess if excess > ROUNDING_BYTES else 0


def learn(past: Iterable[PastPlacement]) -> Lessons:
    """What to mind after these loads, which come newest first.

    On each device only loads by the engine of its newest one count: another build takes other buffers. What
    one model took is minded with every other: a smaller one has that room to spare, as the larger one fitted.
    """
    newest: dict[tuple[str, int], _Loaded] = {}
    alike = Counter[tuple[str, int, str, int]]()
    worst: dict[tuple[str, int], _Loaded] = {}
    for load in past:
        for device in load.devices:
            key, loaded = (device.backend, device.device), _Loaded(load, device)
            if not loaded.teaches or newest.setdefault(key, loaded).past.engine != load.engine:
                continue
            of_one_kind = (*key, load.model, load.context)
            alike[of_one_kind] += 1
            if alike[of_one_kind] <= LOADS:
                # Of equals the newest.
                worst[key] = max(worst.get(key, loaded), loaded, key=lambda each: each.excess_bytes)
    taught = {key: _lesson(newest[key], loaded) for key, loaded in worst.items()}
    return Lessons({key: lesson for key, lesson in taught.items() if lesson})


def _lesson(newest: _Loaded, worst: _Loaded) -> Lesson | None:
    said: list[str] = []
    if newest.device.actual is None:
        layers = plural(newest.device.planned.layers or 0, "layer")
        said.append(f"{newest} received nothing of the {layers} planned on {newest.day}.")
    kept = worst.excess_bytes
    if kept:
        said.append(
            f"{worst} took {bytes_text(kept)} more than planned on {worst.day}: as much is kept free."
        )
    return Lesson(kept, " ".join(said)) if said else None
