"""A large model that the console can plan for, without its file."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.core.cluster import Cluster
from app.core.coordinator_status import CoordinatorState, CoordinatorStatus
from app.core.facts import ModelFacts
from app.core.memory import Memory
from app.core.models import Model, Source
from app.core.placement import Placement
from app.core.plan import Plan, Wish
from app.core.planner import plan_placement
from app.core.planning import Planned
from app.gguf.cache import CacheType
from app.text.units import GIB, MIB
from tests.support import planned

LARGE = Model(
    "llama3.3:70b",
    Source.STORE,
    ModelFacts(parameters=70_600_000_000, size=40 * GIB, quantization="Q4_K_M", layers=80, context=131_072),
    path=Path("/models/llama3.3-70b.gguf"),
)
NEEDS = planned.Model(layers=(500 * MIB,) * 80, output_bytes=800 * MIB)
"""What it needs: about 45 GiB with a context of 8,192."""
BOX = Memory(41 * GIB, 128 * GIB)


def planned_over(cluster: Cluster) -> Planned:
    """The plan for it over the backends of a cluster."""
    wish = Wish(8192, CacheType.F16, CacheType.F16)
    return plan_placement(NEEDS, wish, cluster.backends.known, BOX)


def plan_large(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this box have it, an engine, and always as much memory."""

    async def nothing() -> None:
        """Nothing is read, and nothing speaks against the engine."""

    monkeypatch.setattr(cluster.catalogue, "read", nothing)
    for name in ("problem", "problem_with_backends"):
        monkeypatch.setattr(cluster.engines, name, nothing)
    monkeypatch.setattr("app.core.planning._needs", lambda _path: NEEDS)
    monkeypatch.setattr("app.core.planning._memory_of_this_box", lambda _freed_bytes: BOX)
    cluster.catalogue._local = (LARGE,)


def loaded_by(plan: Planned) -> CoordinatorStatus:
    """A coordinator that has loaded it by a plan: a little less on the first device, more on the others."""
    assert isinstance(plan, Plan)
    placement = [
        Placement(
            row.backend,
            f"RPC{number}",
            row.layers,
            row.weights_bytes - (100 * MIB if number == 0 else -50 * MIB),
            row.cache_bytes,
            row.compute_bytes // 2,
        )
        for number, row in enumerate(plan.rows)
    ]
    here = Placement(None, "CPU", None, plan.host_bytes, 0, 30 * MIB)
    return CoordinatorStatus(
        CoordinatorState.READY,
        LARGE.name,
        plan.backends,
        ready_in_s=71.0,
        planned=plan,
        placement=(*placement, here),
    )
