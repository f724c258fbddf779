from __future__ import annotations

from pathlib import Path

import pytest

from app.box.accelerators import read_all_gpus
from app.box.amd import read_amd_gpus
from app.box.gpus import Gpu
from app.text.units import GIB
from tests.box.test_gpus import program

WHOLE = {
    "vendor": "0x1002",
    "product_name": "AMD Radeon RX 7900 XTX",
    "gpu_busy_percent": "37",
    "mem_info_vram_used": str(3 * GIB),
    "mem_info_vram_total": str(24 * GIB),
    "hwmon/hwmon3/temp1_input": "51000",
}


def card(sysfs: Path, name: str, files: dict[str, str]) -> None:
    for file, text in files.items():
        path = sysfs / name / "device" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")


def test_cards_of_amd_and_no_others(tmp_path: Path) -> None:
    card(tmp_path, "card0", {"vendor": "0x8086"})
    card(tmp_path, "card1", WHOLE)
    card(tmp_path, "card1-DP-1", {"vendor": "0x1002"})
    card(tmp_path, "card2", {"vendor": "0x1002", "gpu_busy_percent": "-1", "hwmon/hwmon4/temp1_input": "0"})
    assert read_amd_gpus(tmp_path) == (
        Gpu(0, "AMD Radeon RX 7900 XTX", 37, 3 * GIB, 24 * GIB, 51.0),
        Gpu(1, "AMD GPU", None, None, None, None),
    )


def test_a_box_without_any(tmp_path: Path) -> None:
    assert read_amd_gpus(tmp_path) == ()
    assert read_amd_gpus(tmp_path / "nothing") == ()


async def test_all_of_them_are_counted_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    card(tmp_path / "drm", "card0", WHOLE)
    monkeypatch.setattr("app.box.accelerators.read_amd_gpus", lambda: read_amd_gpus(tmp_path / "drm"))
    monkeypatch.setenv("PATH", str(tmp_path))
    told = await read_all_gpus()
    assert told is not None
    assert [gpu.name for gpu in told] == ["AMD Radeon RX 7900 XTX"]
    program(tmp_path, "echo '0, 63, 5222, 24576, 51, NVIDIA A'")
    told = await read_all_gpus()
    assert told is not None
    assert [(gpu.index, gpu.name) for gpu in told] == [(0, "NVIDIA A"), (1, "AMD Radeon RX 7900 XTX")]


async def test_a_driver_that_does_not_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.box.accelerators.read_amd_gpus", lambda: read_amd_gpus(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert await read_all_gpus() == ()
    program(tmp_path, "exit 18")
    assert await read_all_gpus() is None


async def test_no_process_is_started_where_there_is_no_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    async def never(*_: object, **__: object) -> None:
        raise AssertionError("started")

    monkeypatch.setattr("asyncio.create_subprocess_exec", never)
    assert await read_all_gpus() == read_amd_gpus()
