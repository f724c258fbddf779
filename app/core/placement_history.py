"""What was planned and what came of it, load by load: kept in the state folder, one JSON line each."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from app.config.disk import make_private_folder
from app.core.coordinator_status import CoordinatorStatus
from app.core.proof import Proof, prove
from app.text.problem import Problem

READ_BYTES = 1 << 20
"""Of the end of the file, where the newest loads are: some thousand lines."""


class Held(msgspec.Struct, frozen=True):
    """Bytes on one device, and its layers."""

    layers: int | None
    weights_bytes: int
    cache_bytes: int
    compute_bytes: int


class HeldDevice(msgspec.Struct, frozen=True):
    """One device: planned and actual."""

    backend: str
    device: int
    planned: Held
    actual: Held | None


class PastPlacement(msgspec.Struct, frozen=True):
    """One load."""

    at: datetime
    model: str
    context: int
    devices: tuple[HeldDevice, ...]
    ready_in_s: float | None = None
    engine: str | None = None
    """Its build, as it says."""


class PlacementHistory:
    """The file of all loads. Its methods block on the disk: call them in a thread."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def add(self, past: PastPlacement) -> None:
        """Keep one more load.

        Raises:
            Problem: the file cannot be written.
        """
        make_private_folder(self._file.parent)
        try:
            descriptor = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(descriptor, "ab", buffering=0) as file:
                file.write(msgspec.json.encode(past) + b"\n")
        except OSError as error:
            raise Problem(
                f"{self._file} cannot be written: {error.strerror}.", "Make room, or make it writable."
            ) from None

    def newest(self, count: int) -> tuple[PastPlacement, ...]:
        """The last loads, the newest first; a line that cannot be read is passed over.

        Raises:
            Problem: the file cannot be read.
        """
        try:
            with self._file.open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - READ_BYTES))
                lines = file.read(READ_BYTES).splitlines()
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise Problem(f"{self._file} cannot be read: {error.strerror}.", "Make it readable.") from None
        found: list[PastPlacement] = []
        for line in reversed(lines):
            if len(found) == count:
                break
            try:
                found.append(msgspec.json.decode(line, type=PastPlacement))
            except msgspec.DecodeError:
                continue  # cut off: by the limit above, or by a full disk
        return tuple(found)


def past_placement(status: CoordinatorStatus, engine: str | None) -> PastPlacement:
    """The load that a coordinator has just ended, by a plan."""
    assert status.planned is not None, "a load without a plan proves nothing"
    proofs = prove(status.planned, status.placement)
    return PastPlacement(
        datetime.now(UTC),
        status.model,
        status.planned.context,
        tuple(map(_device, proofs)),
        status.ready_in_s,
        engine,
    )


def _device(proof: Proof) -> HeldDevice:
    planned, actual = proof.planned, proof.actual
    return HeldDevice(
        str(planned.backend),
        planned.device,
        Held(planned.layers, planned.weights_bytes, planned.cache_bytes, planned.compute_bytes),
        None
        if actual is None
        else Held(actual.layers, actual.model_bytes, actual.kv_bytes, actual.compute_bytes),
    )
