"""The AMD GPUs of this box, as the kernel tells of them in sysfs (its driver-misc.rst of amdgpu)."""

from __future__ import annotations

import re
from pathlib import Path

from app.box.gpus import Gpu

SYSFS = Path("/sys/class/drm")
_CARD = re.compile(r"card[0-9]+")
_VENDOR = "0x1002"


def read_amd_gpus(sysfs: Path = SYSFS) -> tuple[Gpu, ...]:
    """The GPUs now, counted from 0 in the order of their cards; none where there are none."""
    try:
        cards = sorted(entry for entry in sysfs.iterdir() if _CARD.fullmatch(entry.name))
    except OSError:
        return ()
    devices = [card / "device" for card in cards if _text(card / "device" / "vendor") == _VENDOR]
    return tuple(_gpu(index, device) for index, device in enumerate(devices))


def _gpu(index: int, device: Path) -> Gpu:
    heats = [heat for sensor in sorted(device.glob("hwmon/hwmon*/temp1_input")) if (heat := _number(sensor))]
    return Gpu(
        index,
        _text(device / "product_name") or "AMD GPU",
        _number(device / "gpu_busy_percent"),
        _number(device / "mem_info_vram_used"),
        _number(device / "mem_info_vram_total"),
        heats[0] / 1000 if heats else None,
    )


def _number(file: Path) -> int | None:
    told = _text(file)
    return int(told) if told.isdecimal() else None


def _text(file: Path) -> str:
    """What a file of the kernel says; empty where it is not there, or the GPU sleeps."""
    try:
        return file.read_text("utf-8", "replace").strip()
    except OSError:
        return ""
