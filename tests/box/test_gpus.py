from __future__ import annotations

import asyncio
from pathlib import Path

import psutil
import pytest

from app.box.gpus import Gpu, read_gpus
from app.text.units import GIB, MIB
from tests.support.waiting import until

TABLE = """\
0, 63, 5222, 24576, 51, NVIDIA GeForce RTX 4090
1, 0, 3, 24576, 34, NVIDIA A, the Second
2, [N/A], [N/A], [N/A], 45, NVIDIA GB10
3, [Not Supported], 100, 200, [Unknown Error], Tesla K10.G1.8GB
"""


def program(folder: Path, *lines: str, mode: int = 0o755) -> str:
    path = folder / "nvidia-smi"
    path.write_text("\n".join(("#!/bin/sh", *lines, "")))
    path.chmod(mode)
    return str(path)


async def test_gpus(tmp_path: Path) -> None:
    (tmp_path / "table").write_text(TABLE)
    asked = tmp_path / "asked"
    told = await read_gpus(program(tmp_path, f'echo "$@" > {asked}', f"cat {tmp_path}/table"))
    assert told == (
        Gpu(0, "NVIDIA GeForce RTX 4090", 63.0, 5222 * MIB, 24 * GIB, 51.0),
        Gpu(1, "NVIDIA A, the Second", 0.0, 3 * MIB, 24 * GIB, 34.0),
        Gpu(2, "NVIDIA GB10", None, None, None, 45.0),
        Gpu(3, "Tesla K10.G1.8GB", None, 100 * MIB, 200 * MIB, None),
    )
    assert asked.read_text().split() == [
        "--query-gpu=index,utilization.gpu,memory.used,memory.total,temperature.gpu,name",
        "--format=csv,noheader,nounits",
    ]


async def test_no_such_program(tmp_path: Path) -> None:
    assert await read_gpus(str(tmp_path / "nvidia-smi")) == ()


@pytest.mark.parametrize(
    ("lines", "gpus"),
    [
        (("echo No devices were found",), ()),
        (("echo Failed to initialize NVML: Driver/library version mismatch", "exit 18"), None),
        (("printf '0, 1, 2\\n\\n, , , , ,\\nx, 1, 2, 3, 4, A\\n\\377'",), ()),
        (("kill -9 $$",), None),
    ],
)
async def test_a_program_that_does_not_tell(
    tmp_path: Path, lines: tuple[str, ...], gpus: tuple[Gpu, ...] | None
) -> None:
    assert await read_gpus(program(tmp_path, *lines)) == gpus


async def test_a_program_that_cannot_be_run(tmp_path: Path) -> None:
    assert await read_gpus(program(tmp_path, mode=0o644)) is None


async def test_a_program_that_hangs_is_ended(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    assert await read_gpus(program(tmp_path, f"echo $$ > {pid}", "exec sleep 1000"), deadline_s=2) is None
    assert not psutil.pid_exists(int(pid.read_text()))


async def test_whoever_is_cancelled_leaves_no_program(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    reading = asyncio.create_task(
        read_gpus(program(tmp_path, f"echo $$ > {pid}.new", f"mv {pid}.new {pid}", "exec sleep 1000"))
    )
    await until(pid.exists)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert not psutil.pid_exists(int(pid.read_text()))
