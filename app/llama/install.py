"""Fetches the engine into a private folder: whole and checked, or not at all."""

from __future__ import annotations

import asyncio
import fcntl
import shutil
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Literal

from app.llama import packages, source
from app.llama.engine import SERVER, EngineProblem, examine, find_programs
from app.llama.steps import InstallProblem, InstallStep, run_tool

Route = Literal["packages", "source"]
LOCK_POLL_S = 0.3
RPC_SERVER_S = 20.0


async def get_engine(
    folder: Path, downloads: Path, route: Route | None = None
) -> AsyncGenerator[InstallStep]:
    """Fetch the engine into `folder`, in place of what is there, and tell each step.

    Without a route, Debian's packages are taken where the box has what that needs, else the source is built.
    Two processes that want the same folder take turns, and the second finds the work done.

    Raises:
        InstallProblem: it could not be fetched; what was in `folder` before is still there.
    """
    chosen = route or ("source" if packages.missing_tool() else "packages")
    missing = (packages if chosen == "packages" else source).missing_tool()
    if missing:
        raise InstallProblem(
            f"This box has no {missing}, which fetching by {chosen} needs.", f"Install {missing}."
        )
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    before = _stamp(folder)
    yield InstallStep(f"fetching the engine by {chosen}")
    async with _turn(folder):
        if _stamp(folder) != before and await _runs(folder):
            yield InstallStep("another process has just fetched it")
            return
        staged = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        try:
            fetched = (packages.fetch if chosen == "packages" else source.fetch)(staged, downloads / chosen)
            async with aclosing(fetched) as steps:
                async for step in steps:
                    yield step
            if chosen == "packages":
                yield InstallStep("setting the library path")
                await packages.settle(staged, folder)
            await asyncio.to_thread(_replace, staged, folder)
        finally:
            await asyncio.to_thread(shutil.rmtree, staged, ignore_errors=True)
        yield InstallStep("checking that it runs")
        await _check(folder)


async def _check(folder: Path) -> None:
    try:
        engine = await examine(
            find_programs(server=folder / SERVER, rpc_server=None, path="", private_folder=folder), {}
        )
    except EngineProblem as problem:
        raise InstallProblem(
            f"What was fetched does not run: {problem.sentence}", "Try 'engine get --source'."
        ) from None
    if not engine.supports_rpc or engine.rpc_server is None:
        raise InstallProblem("What was fetched was built without RPC.", "Try 'engine get --source'.")
    await run_tool([str(engine.rpc_server), "--help"], deadline_s=RPC_SERVER_S)


async def _runs(folder: Path) -> bool:
    try:
        await _check(folder)
    except InstallProblem:
        return False
    return True


def _stamp(folder: Path) -> int | None:
    server = folder / SERVER
    return server.stat().st_mtime_ns if server.exists() else None


def _replace(staged: Path, folder: Path) -> None:
    """Put the new folder in place of the old one; the old one is gone only after the new one is there."""
    old = staged.with_name(f"{staged.name}.old")
    if folder.exists():
        folder.rename(old)
    staged.chmod(0o755)
    staged.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


@asynccontextmanager
async def _turn(folder: Path) -> AsyncIterator[None]:
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                await asyncio.sleep(LOCK_POLL_S)
        yield
