"""What was planned, what came of it and how fast it was, load by load: JSON lines in the state folder.

A load is a line. How fast it is turns out later, so that is a line of its own, and the newest one counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from app.config.line_file import LineFile, Stamp
from app.core.coordinator_status import CoordinatorStatus
from app.core.proof import Proof, prove
from app.text.address import Address
from app.text.problem import Problem


class Held(msgspec.Struct, frozen=True):
    """Bytes on one device, and its layers."""

    layers: int | None
    weights_bytes: int
    cache_bytes: int
    compute_bytes: int

    @property
    def held_bytes(self) -> int:
        """Weights, cache and compute buffer together."""
        return self.weights_bytes + self.cache_bytes + self.compute_bytes


class HeldDevice(msgspec.Struct, frozen=True):
    """One device: planned and actual."""

    backend: str
    device: int
    planned: Held
    actual: Held | None
    round_trip_ms: float | None = None
    """To its backend, as last measured before the load."""


class Speed(msgspec.Struct, frozen=True):
    """How fast a coordinator answers: medians of its newest requests, in tokens per second."""

    of: str
    """The coordinator, by the name of its log."""
    requests: int
    """So many were measured."""
    generation_rate: float | None
    prompt_rate: float | None


class PastPlacement(msgspec.Struct, frozen=True):
    """One load."""

    at: datetime
    model: str
    context: int
    devices: tuple[HeldDevice, ...]
    ready_in_s: float | None = None
    engine: str | None = None
    """Its build, as it says."""
    coordinator: str | None = None
    """By the name of its log: no other is called so, and whoever adopts it knows it too."""
    speed: Speed | None = None

    @property
    def generation_rate(self) -> float | None:
        """Generated tokens per second; None where no answer was long enough."""
        return self.speed.generation_rate if self.speed else None

    @property
    def prompt_rate(self) -> float | None:
        """Tokens of prompts per second; None where none was long enough."""
        return self.speed.prompt_rate if self.speed else None


class PlacementHistory:
    """The file of all loads. Its methods block on the disk: call them in a thread."""

    def __init__(self, file: Path) -> None:
        self._file = LineFile(file)
        self._read: tuple[Stamp | None, tuple[PastPlacement, ...]] = None, ()

    def add(self, past: PastPlacement) -> None:
        """Keep one more load.

        Raises:
            Problem: the file cannot be written.
        """
        self._file.add(msgspec.json.encode(past))

    def add_speed(self, speed: Speed) -> None:
        """Keep how fast a load turned out to be; nothing is, where it was not planned or is known to be so.

        Raises:
            Problem: the file cannot be read or written.
        """
        if any(past.coordinator == speed.of and past.speed != speed for past in self._all()):
            self._file.add(msgspec.json.encode(speed))

    def newest(self, count: int) -> tuple[PastPlacement, ...]:
        """The last loads, the newest first; a line that cannot be read is passed over.

        Raises:
            Problem: the file cannot be read.
        """
        return self._all()[:count]

    def known(self) -> tuple[PastPlacement, ...]:
        """Every load that is remembered, the newest first; none where the file cannot be read."""
        try:
            return self._all()
        except Problem:
            return ()

    def _all(self) -> tuple[PastPlacement, ...]:
        """Every load that is read; remembered while the file stays as it is."""
        stamp = self._file.stamp
        if stamp is None or stamp != self._read[0]:
            self._read = stamp, _joined(self._file.newest())
        return self._read[1]


def past_placement(
    status: CoordinatorStatus, engine: str | None, round_trips_ms: Mapping[Address, float | None]
) -> PastPlacement:
    """The load that a coordinator has just ended, by a plan."""
    assert status.planned is not None, "a load without a plan proves nothing"
    return PastPlacement(
        datetime.now(UTC),
        status.model,
        status.planned.context,
        tuple(
            _device(proof, round_trips_ms.get(proof.planned.backend))
            for proof in prove(status.planned, status.placement)
        ),
        status.ready_in_s,
        engine,
        status.log.stem if status.log else None,
    )


def _device(proof: Proof, round_trip_ms: float | None) -> HeldDevice:
    planned, actual = proof.planned, proof.actual
    return HeldDevice(
        str(planned.backend),
        planned.device,
        Held(planned.layers, planned.weights_bytes, planned.cache_bytes, planned.compute_bytes),
        None
        if actual is None
        else Held(actual.layers, actual.model_bytes, actual.kv_bytes, actual.compute_bytes),
        round_trip_ms,
    )


_KINDS: tuple[type[PastPlacement | Speed], ...] = (PastPlacement, Speed)


def _joined(lines: list[bytes]) -> tuple[PastPlacement, ...]:
    """The loads of these lines, each with its newest speed; both come newest first."""
    loads: list[PastPlacement] = []
    speeds: dict[str, Speed] = {}
    for line in lines:
        match _decoded(line):
            case Speed() as speed:
                speeds.setdefault(speed.of, speed)
            case PastPlacement() as load:
                loads.append(msgspec.structs.replace(load, speed=speeds.get(load.coordinator or "")))
    return tuple(loads)


def _decoded(line: bytes) -> PastPlacement | Speed | None:
    """What a line tells; None for one that was cut off or that another version wrote."""
    for kind in _KINDS:
        try:
            return msgspec.json.decode(line, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
    return None
