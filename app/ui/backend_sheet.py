"""All about one backend, to be read."""

from __future__ import annotations

from collections.abc import Sequence

from app.core.backends import Backend, Look
from app.llama.command import worker_command_text
from app.rpc.probe import Device
from app.text.units import UNKNOWN, bytes_text, milliseconds_text
from app.ui.panes.backend_rows import details
from app.ui.plain import plain_line
from app.ui.sheets import Section

_LOOKS = 20
_BAR = 20


def backend_sheet(backend: Backend, looks: Sequence[Look]) -> tuple[Section, ...]:
    """How it is, its devices, what the last probes saw, and what to run on its host."""
    address = backend.address
    facts = (
        ("state", backend.word or UNKNOWN),
        ("name", plain_line(backend.remark.name) or UNKNOWN),
        ("note", plain_line(backend.remark.note) or UNKNOWN),
        ("protocol", str(backend.protocol or UNKNOWN)),
        ("known", details(backend, None, "") or UNKNOWN),
        ("run there", worker_command_text(address.host, address.port)),
    )
    devices = tuple((f"device {device.index}", _memory(device)) for device in backend.devices)
    seen = tuple(_look(look) for look in reversed(looks[-_LOOKS:]))
    return (
        Section(facts),
        Section(devices or (("", "No probe has seen its devices."),), "Devices"),
        Section(seen or (("", "It was not probed yet."),), f"The last {_LOOKS} probes"),
    )


def _memory(device: Device) -> str:
    used = device.total_bytes - device.free_bytes
    filled = _BAR * used // device.total_bytes if device.total_bytes else 0
    bar = "━" * filled + "─" * (_BAR - filled)
    return f"{bar} {bytes_text(device.free_bytes)} free of {bytes_text(device.total_bytes)}"


def _look(look: Look) -> tuple[str, str]:
    said = f"{look.state}  {milliseconds_text(look.latency_ms)} ms  {plain_line(look.detail)}"
    return f"{look.at.astimezone():%H:%M:%S}", said.rstrip()
