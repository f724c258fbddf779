"""Fetches the engine into a private folder: whole and checked, or not at all."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
from collections.abc import AsyncGenerator, Mapping
from contextlib import ExitStack, aclosing
from pathlib import Path
from typing import Literal

from app.llama import packages, source
from app.llama.engine import SERVER, EngineProblem, examine, find_programs
from app.llama.environment import clean_environment
from app.llama.steps import OTHERWISE, InstallProblem, InstallStep
from app.llama.tool import ToolProblem, run_to_end
from app.llama.turn import Turn

Route = Literal["packages", "source"]
MANIFEST = "engine.json"
"""Tells what a fetched engine was made of."""
START_S = 20.0

_REMEDIES: Mapping[Route, str] = {"packages": OTHERWISE, "source": "Correct that, and try again."}


async def get_engine(
    folder: Path, downloads: Path, route: Route | None = None
) -> AsyncGenerator[InstallStep]:
    """Fetch the engine into `folder`, in place of an earlier one, and tell each step.

    Without a route, Debian's packages are taken where the box is a Debian, else the source is built.
    Processes that want the same folder take turns, and who had to wait finds the work done. What was
    downloaded stays in `downloads`, so that the next time needs no network.

    Raises:
        InstallProblem: it cannot be had or does not run; what was in `folder` before is still there.
    """
    before = _stamp(folder)
    chosen, why = _choose(route)
    yield InstallStep(why)
    try:
        with ExitStack() as turns:
            for place in _absolute(folder, downloads):
                turn = turns.enter_context(Turn(place))
                if not turn.taken():
                    yield InstallStep("waiting for another process that fetches the engine")
                    await turn.wait()
            if _stamp(folder) != before and await _runs(folder):
                yield InstallStep("another process has just fetched it")
                return
            async with aclosing(_fetch(chosen, *_absolute(folder, downloads / chosen))) as steps:
                async for step in steps:
                    yield step
    except ToolProblem as problem:
        raise InstallProblem(problem.sentence, _REMEDIES[chosen]) from None
    except OSError as error:
        raise InstallProblem(
            f"{error.filename or folder}: {error.strerror}.", "Make room there, or make it writable."
        ) from None


def _choose(route: Route | None) -> tuple[Route, str]:
    """The route to take, and in words why."""
    obstacles = {"packages": packages.obstacle(), "source": source.obstacle()}
    if route is None and obstacles["packages"] is None:
        route = "packages"
    if route is not None:
        if obstacle := obstacles[route]:
            raise InstallProblem(obstacle, "Install what is missing, or take the other route.")
        return route, f"fetching the engine from {'Debian packages' if route == 'packages' else 'source'}"
    if obstacle := obstacles["source"]:
        raise InstallProblem(f"{obstacles['packages']} {obstacle}", "Install what is missing.")
    return "source", f"{obstacles['packages']} The engine is built from source, which takes minutes"


async def _fetch(route: Route, folder: Path, downloads: Path) -> AsyncGenerator[InstallStep]:
    _refuse_what_is_not_ours(folder)
    staged = Path(tempfile.mkdtemp(prefix=_staged_prefix(folder), dir=folder.parent))
    try:
        if route == "packages":
            fetched, contents = packages.fetch(staged, downloads, folder), packages.contents
        else:
            fetched, contents = source.fetch(staged, downloads), source.contents
        async with aclosing(fetched) as steps:
            async for step in steps:
                yield step
        _write_manifest(staged, route, contents(downloads))
        yield InstallStep("checking that it runs")
        _swap(staged, folder)
        try:
            await _check(folder)
        except BaseException:
            _swap(staged, folder)
            raise
    finally:
        await asyncio.to_thread(_sweep_up, folder)


def _absolute(*folders: Path) -> list[Path]:
    """Absolute, as the engine's folder is written into its programs; and what they are in is made."""
    absolute = [folder.absolute() for folder in folders]
    for folder in absolute:
        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return absolute


def _refuse_what_is_not_ours(folder: Path) -> None:
    """The folder will be replaced, so nothing else may be in it."""
    if folder.exists() and not (folder / MANIFEST).exists() and any(folder.iterdir()):
        raise InstallProblem(
            f"{folder} holds something else, and would be replaced.",
            "Empty it, or name another folder as engine.folder in the configuration.",
        )


def _write_manifest(folder: Path, route: Route, contents: list[str]) -> None:
    (folder / MANIFEST).write_text(json.dumps({"route": route, "contents": contents}, indent=1))
    folder.chmod(0o755)


def _swap(one: Path, other: Path) -> None:
    """Exchange two folders, of which either may be missing."""
    aside = one.with_name(f"{one.name}.aside")
    for path, target in ((other, aside), (one, other), (aside, one)):
        if path.exists():
            path.rename(target)


async def _check(folder: Path) -> None:
    """Both programs start from here, and the server can use backends."""
    try:
        found = find_programs(server=folder / SERVER, rpc_server=None, path="", private_folder=folder)[0]
        engine = await examine(found, {})
    except EngineProblem as problem:
        raise InstallProblem(f"What was fetched does not run: {problem.sentence}", OTHERWISE) from None
    if engine.rpc_server is None or not engine.supports_rpc:
        raise InstallProblem(f"What was fetched into {folder} was built without RPC.", OTHERWISE)
    help_ = await run_to_end([engine.rpc_server, "--help"], clean_environment({}), deadline_s=START_S)
    if help_.code != 0:
        raise InstallProblem(f"The RPC server that was fetched does not run {help_.ending}", OTHERWISE)


async def _runs(folder: Path) -> bool:
    try:
        await _check(folder)
    except InstallProblem:
        return False
    return True


def _stamp(folder: Path) -> int | None:
    """Changes whenever an engine is put there."""
    try:
        return (folder / MANIFEST).stat().st_mtime_ns
    except OSError:
        return None


def _sweep_up(folder: Path) -> None:
    """Delete what was half made, or replaced, by us or by a process that was killed."""
    for left in folder.parent.glob(f"{_staged_prefix(folder)}*"):
        shutil.rmtree(left, ignore_errors=True)


def _staged_prefix(folder: Path) -> str:
    return f".{folder.name}.being-fetched-"
