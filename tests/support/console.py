"""A console on a real cluster that is alone: in a temporary folder, without engine, backends or nodes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from textual.events import Paste
from textual.pilot import Pilot

from app.box.vitals import Vitals
from app.config.origins import Overrides, resolve
from app.config.state import StateFile
from app.core.cluster import Cluster, Places
from app.core.coordinator_status import CoordinatorChanged, CoordinatorState, CoordinatorStatus
from app.core.events import LifecycleLine, Severity
from app.core.placement import Placement
from app.core.pool import Node
from app.core.vitals import VitalsRead
from app.ollama.client import LoadedModel, NodeModel
from app.rpc.probe import BackendState, Device, Probe
from app.text.address import Address
from app.text.units import GIB
from app.text.version import ProtocolVersion
from app.ui.app import ConsoleApp
from app.ui.screens.main import MainScreen
from tests.support.waiting import until


def lonely_cluster(folder: Path, *lines: str, welcomed: bool = False) -> Cluster:
    """A cluster whose settings are `lines`; it knows nothing of this box but what the settings say.

    Its console shows the welcome page by itself only where `welcomed`.
    """
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
    if not welcomed:
        StateFile(places.state_file).update(lambda state: replace(state, welcome_skipped=True))
    environment = {"PATH": str(folder), "HOME": str(home)}
    resolved = resolve(
        command_line=Overrides(),
        environment=environment,
        state=StateFile(places.state_file).read(),
        config=config,
    )
    return Cluster(resolved, places, environment)


class OpenedConsole(ConsoleApp):
    """A console whose cluster is open already, so that its first screen is the main one."""

    def __init__(self, cluster: Cluster) -> None:
        async def opened() -> Cluster:
            return cluster

        super().__init__(opened)
        self.main: MainScreen = MainScreen(cluster)

    def get_default_screen(self) -> MainScreen:
        """The main screen."""
        return self.main


def _sets(quiet: str, lines: tuple[str, ...]) -> bool:
    key = quiet.split(":")[0]
    return any(line.startswith(f"{key}:") for line in lines)


def people(cluster: Cluster) -> None:
    """Let three backends be held, a fourth be of another protocol, and two nodes be known."""
    for address in HELD:
        cluster.backends.take(free(address), "sweep")
    detail = "it speaks 7.0.0, our engine 8.0.0"
    other = Probe(OTHER, BackendState.MISMATCH, ProtocolVersion(7, 0, 0), (), 0.6, detail)
    cluster.backends.take(other, "config file")
    cluster.backends.hold(HELD, "a coordinator")
    for node in (UP, DOWN):
        cluster.pool.add(node.url, node.origin)
        cluster.pool._see(node)


def free(address: Address, latency_ms: float = 0.4) -> Probe:
    """A probe that found a backend with one device of 24 GiB."""
    devices = (Device(0, 24 * GIB, 22 * GIB),)
    return Probe(address, BackendState.FREE, ProtocolVersion(8, 0, 0), devices, latency_ms)


def narrate(cluster: Cluster) -> None:
    """Tell of a coordinator that has become ready, and of how this box is."""
    cluster.bus.publish(CoordinatorChanged(ready_status()))
    for severity, text in STORY:
        cluster.bus.publish(LifecycleLine(NOON, "coordinator", text, severity))
    cluster.bus.publish(VitalsRead(Vitals(63.0, None, 41 * GIB, 128 * GIB, 0, 0, 6.1, 51.0)))


HELD = tuple(Address(f"127.0.1.{n}", 50052) for n in (11, 12, 13))
OTHER = Address("127.0.1.14", 50052)
UP = Node(
    "http://127.0.1.21:11434",
    "state",
    up=True,
    version="0.32.15",
    latency_ms=12.0,
    models=(NodeModel("llama3.2:3b"), NodeModel("qwen3:8b")),
    loaded=(LoadedModel("llama3.2:3b", vram_bytes=5 * GIB + GIB // 10),),
    in_flight=1,
)
DOWN = Node("http://127.0.1.22:11434", "config file", up=False, detail="Nothing listens at 127.0.1.22:11434.")


def ready_status(backends: tuple[Address, ...] = HELD) -> CoordinatorStatus:
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


WIDE = (120, 36)
NARROW = (80, 24)


@dataclass(frozen=True, slots=True)
class Console:
    """The console under test, and what works it."""

    app: OpenedConsole
    pilot: Pilot[None]
    cluster: Cluster

    @property
    def main(self) -> MainScreen:
        return self.app.main

    @property
    def text(self) -> str:
        """What is on the screen."""
        return "\n".join(strip.text.rstrip() for strip in self.app.screen._compositor.render_strips())

    @property
    def toasts(self) -> list[str]:
        """What was said in passing."""
        return [notification.message for notification in self.app._notifications]

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self._handed_on()

    async def type(self, text: str) -> None:
        """Write into whatever has the focus, as a terminal pastes."""
        self.app.typed_ahead.take(Paste(text))
        await self._handed_on()

    async def _handed_on(self) -> None:
        if self.app.typed_ahead._passing is not None:
            await asyncio.wait([self.app.typed_ahead._passing])
        await self.pilot.pause()

    async def command(self, line: str) -> None:
        """Give a command on the `:` line."""
        await self.press("escape", "colon")
        await self.type(line)
        await self.press("enter")

    async def shows(self, text: str) -> None:
        """Wait until `text` is on the screen."""
        await until(lambda: text in self.text, f"'{text}' on the screen")


OpenConsole = Callable[..., AbstractAsyncContextManager[Console]]
