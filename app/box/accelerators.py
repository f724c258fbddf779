"""All GPUs of this box that tell how they are."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import replace

from app.box.amd import read_amd_gpus
from app.box.gpus import Gpu, read_gpus

NVIDIA = "nvidia-smi"


async def read_all_gpus() -> tuple[Gpu, ...] | None:
    """Those of NVIDIA, then those of AMD, counted through; None where a driver does not tell.

    No process is started where its program is not installed.
    """
    nvidia = await read_gpus(NVIDIA) if await asyncio.to_thread(shutil.which, NVIDIA) else ()
    amd = await asyncio.to_thread(read_amd_gpus)
    if nvidia is None and not amd:
        return None
    return tuple(replace(gpu, index=index) for index, gpu in enumerate((*(nvidia or ()), *amd)))
