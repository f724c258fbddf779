"""A console on a real cluster that is alone: in a temporary folder, without engine, backends or nodes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from app.box.vitals import Vitals
from app.config.origins import Overrides, resolve
from app.config.state import StateFile
from app.core.cluster import Cluster, Places
from app.core.coordinator import CoordinatorChanged, CoordinatorState, CoordinatorStatus
from app.core.events import LifecycleLine, Severity
from app.core.placement import Placement
from app.core.vitals import VitalsRead
from app.rpc.probe import BackendState, Device, Probe
from app.text.address import Address
from app.text.units import GIB
from app.text.version import ProtocolVersion


def lonely_cluster(folder: Path, *lines: str) -> Cluster:
    """A cluster whose settings are `lines`; it knows nothing of this box but what the settings say."""
    home = folder / "home"
    home.mkdir(parents=True, exist_ok=True)
    places = Places(
        state_file=folder / "state" / "state.yaml",
        state=folder / "state",
        cache=folder / "cache",
        engine=folder / "no-engine",
        home=home,
    )
    config = folder / "config.yaml"
    quiet = ("nodes: []", "networks: [127.0.0.1]")
    config.write_text("\n".join((*(q for q in quiet if not _sets(q, lines)), *lines, "")))
    environment = {"PATH": str(folder), "HOME": str(home)}
    resolved = resolve(
        command_line=Overrides(),
        environment=environment,
        state=StateFile(places.state_file).read(),
        config=config,
    )
    return Cluster(resolved, places, environment)


def _sets(quiet: str, lines: tuple[str, ...]) -> bool:
    key = quiet.split(":")[0]
    return any(line.startswith(f"{key}:") for line in lines)


def people(cluster: Cluster) -> None:
    """Let the cluster be in full swing: three backends held and one of another protocol, two nodes, a model."""
    held = tuple(Address(f"127.0.1.{n}", 50052) for n in (11, 12, 13))
    for address in held:
        devices = (Device(0, 24 * GIB, 22 * GIB + GIB // 10),)
        seen = Probe(address, BackendState.FREE, ProtocolVersion(8, 0, 0), devices, 0.4)
        cluster.backends.take(seen, "sweep")
    other = Probe(Address("127.0.1.14", 50052), BackendState.MISMATCH, ProtocolVersion(7, 0, 0), (), 0.6)
    cluster.backends.take(replace(other, detail="it speaks 7.0.0, our engine 8.0.0"), "config file")
    cluster.backends.hold(held)
    cluster.bus.publish(CoordinatorChanged(ready_status(held)))
    for severity, text in STORY:
        cluster.bus.publish(LifecycleLine(NOON, "coordinator", text, severity))
    cluster.bus.publish(VitalsRead(Vitals(63.0, 41 * GIB, 128 * GIB, 0, 0, 6.1, 16, 51.0, 1.0, 1.0)))


def ready_status(backends: tuple[Address, ...]) -> CoordinatorStatus:
    """A coordinator that has spread a large model."""
    placement = [
        Placement(address, f"RPC{i}", 42, 76 * GIB + i * GIB, GIB, GIB // 2)
        for i, address in enumerate(backends)
    ]
    return CoordinatorStatus(
        CoordinatorState.READY,
        "llama3.1:405b",
        backends,
        since=NOON,
        pid=4711,
        port=18080,
        ready_in_s=71.0,
        placement=(*placement, Placement(None, "CPU", 1, GIB, 0, GIB // 4)),
    )


NOON = datetime(2026, 1, 2, 12, 0, 58, tzinfo=UTC)
STORY = (
    (Severity.INFO, "checking 3 backends"),
    (Severity.INFO, "starting llama3.1:405b, pid 4711, port 18080"),
    (Severity.INFO, "loading"),
    (Severity.GOOD, "ready in 71 s (3 backends)"),
    (Severity.ERROR, "127.0.1.14:50052 was chosen but received nothing"),
)
