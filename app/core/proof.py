"""What came of a plan: the actual placement beside the planned one, device by device."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from app.core.placement import Placement
from app.core.plan import Plan, PlannedDevice
from app.text.units import bytes_text, plural

TOLERATED = 0.1
"""A difference up to this share of what was planned is none worth telling."""


@dataclass(frozen=True, slots=True)
class Proof:
    """One device of a plan, and what it holds after the load."""

    planned: PlannedDevice
    actual: Placement | None
    """None where the device holds nothing."""

    @property
    def off_by(self) -> float | None:
        """How far weights and cache are from the plan, as a share of it; None where nothing was planned."""
        planned = self.planned.weights_bytes + self.planned.cache_bytes
        actual = self.actual.model_bytes + self.actual.kv_bytes if self.actual else 0
        return (actual - planned) / planned if planned else None


def prove(plan: Plan, placement: Iterable[Placement]) -> tuple[Proof, ...]:
    """Each planned device with what it holds, in the order of the plan.

    llama-server numbers the devices of all its backends in one row, in the order of `--rpc` (`RPC0`, `RPC1`,
    ...; ggml/src/ggml-rpc/ggml-rpc.cpp), and the plan has them all.
    """
    by_name = {(placed.backend, placed.device): placed for placed in placement}
    return tuple(
        Proof(row, by_name.get((row.backend, f"RPC{number}"))) for number, row in enumerate(plan.rows)
    )


def surprises(proofs: Iterable[Proof]) -> Iterator[str]:
    """What is otherwise than planned by more than is tolerated, one sentence for each device."""
    for proof in proofs:
        planned, actual = proof.planned, proof.actual
        held = actual.model_bytes + actual.kv_bytes if actual else 0
        expected = planned.weights_bytes + planned.cache_bytes
        if abs(held - expected) > TOLERATED * expected:
            yield (
                f"{planned.backend} holds {bytes_text(held)} of weights and cache, and "
                f"{bytes_text(expected)} were planned ({plural(planned.layers, 'layer')})"
            )
        elif actual is not None and actual.compute_bytes > (1 + TOLERATED) * planned.compute_bytes:
            yield (
                f"{planned.backend} has a compute buffer of {bytes_text(actual.compute_bytes)}, and "
                f"{bytes_text(planned.compute_bytes)} were allowed for"
            )
