"""Taking turns, in one process and between two."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from app.llama.turn import Turn

ROOT = Path(__file__).parents[2]


async def test_one_after_the_other(tmp_path: Path) -> None:
    with Turn(tmp_path / "engine") as second:
        with Turn(tmp_path / "engine") as first:
            assert first.taken()
            assert not second.taken()
            waiting = asyncio.create_task(second.wait())
            await asyncio.sleep(0)
            assert not waiting.done()
        await waiting
        with Turn(tmp_path / "engine") as third, pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await third.wait()


def test_folders_have_nothing_to_do_with_each_other(tmp_path: Path) -> None:
    with Turn(tmp_path / "one") as one, Turn(tmp_path / "other") as other:
        assert one.taken()
        assert other.taken()


async def test_a_process_that_dies_has_had_its_turn(tmp_path: Path) -> None:
    code = f"""
import time
from pathlib import Path
from app.llama.turn import Turn
with Turn(Path({str(tmp_path / "engine")!r})) as turn:
    print(turn.taken(), flush=True)
    time.sleep(600)
"""
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert other.stdout is not None
        assert await other.stdout.readline() == b"True\n"
        with Turn(tmp_path / "engine") as ours:
            assert not ours.taken()
            other.kill()
            await ours.wait()
    finally:
        with suppress(ProcessLookupError):
            other.kill()
        await other.wait()
