"""The engine from Debian's packages: unpacked into a private folder, without root, in some seconds.

The programs come from a newer suite than the box may run, so everything they need comes along, down to the C
library: all of it in one flat folder, where ggml also looks for its backends, with interpreter and library
path set to that folder. A folder made like this cannot be moved.
"""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
from collections.abc import AsyncGenerator
from pathlib import Path

from app.llama.apt import KEYRING, archives_in, private_apt
from app.llama.steps import OTHERWISE, InstallProblem, InstallStep
from app.llama.tool import tool_output

PACKAGES = ("llama.cpp-tools", "llama.cpp-tools-extra", "libggml0-backend-rpc", "patchelf")
ONLY_FOR_SCRIPTS = ("wget", "debconf", "openssl-provider-legacy")
"""Only maintainer scripts want these, and none of those is run."""
PROGRAMS = ("llama-server", "ggml-rpc-server", "llama-fit-params")
LOADERS = ("ld-linux*.so.*", "ld64.so.*")
UNPACK_S = 120.0
POLL_S = 0.2

_HARD_RUNPATH = ("libllama", "libmtmd")
"""Libraries that carry a library path of their own, which would win over the folder's."""
_SEARCH_HERE = ("--force-rpath", "--set-rpath", "$ORIGIN")
"""The old kind of library path: unlike the new one it holds for what the libraries themselves need, too."""
_PLUGINS = frozenset({"gconv", "audit", "engines-3", "ossl-modules"})
"""Folders of libraries that the engine never loads."""


def obstacle() -> str | None:
    """Why this box cannot take the route, as a sentence; None where it can."""
    try:
        system = platform.freedesktop_os_release()
    except OSError:
        system = {}
    if system.get("ID") != "debian":
        return f"This box does not run Debian, but {system.get('PRETTY_NAME', 'something else')}."
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            return f"This box has no {tool}."
    return None if KEYRING.exists() else f"The keys of Debian's archive are not in {KEYRING}."


async def fetch(folder: Path, downloads: Path, final: Path) -> AsyncGenerator[InstallStep]:
    """Fill the empty `folder` with an engine that will run at `final`; the packages stay in `downloads`.

    Raises:
        InstallProblem: no source of packages, or no such packages.
        ToolProblem: a tool failed.
    """
    yield InstallStep("asking for the list of packages")
    apt = await private_apt(downloads, PACKAGES, declared=ONLY_FOR_SCRIPTS)
    downloading = asyncio.create_task(apt.download(), name="download of packages")
    try:
        while not downloading.done():
            yield InstallStep("downloading", await asyncio.to_thread(apt.present), apt.total)
            await asyncio.wait([downloading], timeout=POLL_S)
        downloading.result()
    finally:
        downloading.cancel()
        await asyncio.gather(downloading, return_exceptions=True)
    await asyncio.to_thread(apt.delete_others)
    yield InstallStep("unpacking")
    unpacked = folder / "unpacked"
    for name in apt.files:
        await tool_output(["dpkg-deb", "-x", apt.archives / name, unpacked], deadline_s=UNPACK_S)
    await asyncio.to_thread(_flatten, unpacked, folder)
    yield InstallStep("setting interpreter and library path")
    await _settle(folder, final)


def contents(downloads: Path) -> list[str]:
    """What the engine that was fetched last is made of: the package files, with their versions."""
    return sorted(path.name for path in archives_in(downloads).glob("*.deb"))


def _flatten(unpacked: Path, folder: Path) -> None:
    """Programs and libraries into one folder; all the rest is thrown away."""
    links: dict[str, str] = {}
    for path in sorted(unpacked.rglob("*")):
        is_library = ".so" in path.name and not _PLUGINS.intersection(path.parts)
        if is_library or path.name in (*PROGRAMS, "patchelf"):
            if path.is_symlink():
                links[path.name] = os.readlink(path).rpartition("/")[2]
            elif _is_elf(path):
                path.rename(folder / path.name)
    for name, target in links.items():
        if (folder / target).exists() and not (folder / name).exists():
            (folder / name).symlink_to(target)
    shutil.rmtree(unpacked)


def _is_elf(path: Path) -> bool:
    """Told from a manual or a shell completion of the same name."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


async def _settle(folder: Path, final: Path) -> None:
    """Set interpreter and library path of the programs in `folder` to where they will be, `final`."""
    loader, programs, libraries = _patched(folder)
    # By the loader, as patchelf comes from the same packages and wants the C library that came with it.
    patchelf: list[str | Path] = [loader, "--library-path", folder, folder / "patchelf"]
    for program in programs:
        interpreter = str(final / loader.name)
        await tool_output([*patchelf, "--set-interpreter", interpreter, program], deadline_s=UNPACK_S)
    for path in (*programs, *libraries):
        await tool_output([*patchelf, *_SEARCH_HERE, path], deadline_s=UNPACK_S)


def _patched(folder: Path) -> tuple[Path, list[Path], list[Path]]:
    """The loader, and the programs and libraries that have to find what is in the folder."""
    loaders = [path for pattern in LOADERS for path in folder.glob(pattern)]
    programs = [folder / name for name in PROGRAMS if (folder / name).exists()]
    if not loaders or not programs:
        raise InstallProblem("The packages do not hold what they should.", OTHERWISE)
    libraries = [path for name in _HARD_RUNPATH for path in folder.glob(f"{name}*") if not path.is_symlink()]
    return loaders[0], programs, libraries
