"""The NVIDIA GPUs of this box, as `nvidia-smi` tells of them."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import DEVNULL, PIPE, Process
from dataclasses import dataclass

from app.text.units import MIB

_QUESTION = "index,utilization.gpu,memory.used,memory.total,temperature.gpu,name"
_ARGUMENTS = (f"--query-gpu={_QUESTION}", "--format=csv,noheader,nounits")


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU; None for what its driver does not tell."""

    index: int
    """As `nvidia-smi` counts; CUDA may count otherwise."""
    name: str
    busy_percent: float | None
    memory_used_bytes: int | None
    memory_total_bytes: int | None
    """Not told where the GPU has the box's own memory."""
    temperature_c: float | None


async def read_gpus(program: str = "nvidia-smi", *, deadline_s: float = 5.0) -> tuple[Gpu, ...] | None:
    """The GPUs now: none where there is no such program, None where it does not tell.

    It is killed at the deadline. One that the kernel holds even then is waited for, so that never two of
    them hang: let nothing else wait for this.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            program, *_ARGUMENTS, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL
        )
    except FileNotFoundError:
        return ()
    except OSError:
        return None
    try:
        async with asyncio.timeout(deadline_s):
            output, _ = await process.communicate()
    except TimeoutError:
        return None
    finally:
        await _end(process)
    return _gpus(output.decode("utf-8", "replace")) if process.returncode == 0 else None


async def _end(process: Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.wait()


def _gpus(table: str) -> tuple[Gpu, ...]:
    """The rows that are understood."""
    rows = (row.split(", ", _QUESTION.count(",")) for row in table.splitlines())
    return tuple(
        Gpu(int(index), name.strip(), _number(busy), _bytes(used), _bytes(total), _number(heat))
        for index, busy, used, total, heat, name in (row for row in rows if _is_gpu(row))
    )


def _is_gpu(row: list[str]) -> bool:
    return len(row) == _QUESTION.count(",") + 1 and row[0].isdecimal()


def _number(text: str) -> float | None:
    """A number; None for `[N/A]`, `[Not Supported]` and the like."""
    try:
        return float(text)
    except ValueError:
        return None


def _bytes(mebibytes: str) -> int | None:
    number = _number(mebibytes)
    return None if number is None else round(number * MIB)
