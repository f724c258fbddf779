"""The engine from Debian's packages: unpacked into a private folder, without root, in some seconds.

The programs come from a newer suite than the box may run, so everything they need comes along, down to the C
library: all of it in one flat folder, where ggml also looks for its backends, with interpreter and library
path set to that folder. A folder made like this cannot be moved.
"""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

from app.llama.steps import InstallProblem, InstallStep, run_tool

SUITES = ("forky", "sid")
"""Suites that have the packages, the one to prefer first."""
PACKAGES = ("llama.cpp-tools", "llama.cpp-tools-extra", "libggml0-backend-rpc", "patchelf")
ONLY_FOR_SCRIPTS = ("wget", "debconf", "openssl-provider-legacy")
"""Only maintainer scripts want these, and none of those is run."""
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
PROGRAMS = ("llama-server", "ggml-rpc-server", "llama-fit-params")
LIST_S = 300.0
DOWNLOAD_S = 1800.0
UNPACK_S = 120.0

_URI = re.compile(r"'[^']+' (?P<file>\S+\.deb) (?P<size>\d+)")
_LOADER = re.compile(r"ld-linux[\w.-]*\.so\.\d+|ld64\.so\.\d+")
_HARD_RUNPATH = ("libllama", "libmtmd")
"""Libraries that carry a library path of their own, which would win over the folder's."""
_FOR_ALL = ("--force-rpath", "--set-rpath", "$ORIGIN")
"""The old kind of library path: unlike the new one it holds for what the libraries themselves need, too."""
_RETRIES = "3"


def missing_tool() -> str | None:
    """What this box lacks for the route; None where nothing is missing."""
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            return tool
    return None if KEYRING.exists() else str(KEYRING)


async def fetch(folder: Path, downloads: Path) -> AsyncGenerator[InstallStep]:
    """Fill the empty `folder` for use at `folder`; what is downloaded stays in `downloads`.

    Raises:
        InstallProblem: no source of packages, no such packages, or a tool failed.
    """
    yield InstallStep("asking for the list of packages")
    apt = await _prepare(downloads)
    files = await _wanted(apt)
    total = sum(files.values())
    yield InstallStep("downloading", 0, total)
    downloading = asyncio.create_task(_download(apt), name="download of packages")
    try:
        while not downloading.done():
            await asyncio.wait([downloading], timeout=0.3)
            yield InstallStep("downloading", min(total, await asyncio.to_thread(_present, apt, files)), total)
        downloading.result()
    finally:
        downloading.cancel()
        await asyncio.gather(downloading, return_exceptions=True)
    yield InstallStep("unpacking")
    unpacked = folder / "unpacked"
    for name in files:
        await run_tool(["dpkg-deb", "-x", str(apt.archives / name), str(unpacked)], deadline_s=UNPACK_S)
    await asyncio.to_thread(_flatten, unpacked, folder)


async def settle(staged: Path, final: Path) -> None:
    """Set interpreter and library path of the programs in `staged` to where they will be, `final`.

    Raises:
        InstallProblem: the tool that does it failed.
    """
    files = {path.name: path for path in await asyncio.to_thread(_files, staged)}
    loader = next((path for name, path in files.items() if _LOADER.fullmatch(name)), None)
    if loader is None or "patchelf" not in files:
        raise InstallProblem("The packages hold no loader, or no patchelf.", "Try 'engine get --source'.")
    patchelf = [str(loader), "--library-path", str(staged), str(files["patchelf"])]
    interpreter = str(final / loader.name)
    for program in (files[name] for name in PROGRAMS if name in files):
        await run_tool([*patchelf, "--set-interpreter", interpreter, str(program)], deadline_s=UNPACK_S)
    for name, path in files.items():
        if name in PROGRAMS or name.startswith(_HARD_RUNPATH):
            await run_tool([*patchelf, *_FOR_ALL, str(path)], deadline_s=UNPACK_S)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_file()]


@dataclass(frozen=True, slots=True)
class _Apt:
    """A private apt: its own lists, cache and idea of what is installed."""

    root: Path
    suite: str

    @property
    def archives(self) -> Path:
        return self.root / "cache" / "archives"

    def command(self, *words: str, archives: Path | None = None) -> list[str]:
        settings = {
            "Dir::State": self.root / "state",
            "Dir::State::status": self.root / "status",
            "Dir::Cache": self.root / "cache",
            "Dir::Cache::archives": archives or self.archives,
            "Dir::Etc::sourcelist": self.root / f"{self.suite}.list",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::Log": self.root / "log",
            # A frozen mirror may be older than its own date of expiry; the signature is still checked.
            "Acquire::Check-Valid-Until": "false",
            "Acquire::Languages": "none",
            "Acquire::Retries": _RETRIES,
            "APT::Sandbox::User": "",
            "APT::Update::Post-Invoke-Success": "",
            "Debug::NoLocking": "true",
        }
        return ["apt-get", "-q", *(f"-o{key}={value}" for key, value in settings.items()), *words]

    def install(self, *words: str, archives: Path | None = None) -> list[str]:
        flags = ("install", "--yes", "--no-install-recommends", *words)
        return self.command(*flags, *PACKAGES, archives=archives)


async def _prepare(root: Path) -> _Apt:
    """The first suite that this box's source of packages has; its lists are kept for being offline."""
    source = await _source()
    await asyncio.to_thread(_make_folders, root, source)
    refused: InstallProblem | None = None
    for suite in SUITES:
        apt = _Apt(root, suite)
        try:
            await run_tool(apt.command("update", "--error-on=any"), deadline_s=LIST_S)
        except InstallProblem as problem:
            refused = problem
        if await _has_packages(apt):
            return apt
    why = refused.sentence if refused else "no suite has them."
    raise InstallProblem(
        f"The packages {', '.join(PACKAGES)} cannot be had: {why}",
        "Check the network, or build from source: 'synaptic-tui engine get --source'.",
    )


async def _has_packages(apt: _Apt) -> bool:
    try:
        await _wanted(apt)
    except InstallProblem:
        return False
    return True


async def _source() -> str:
    """Where this box's own apt gets Debian's packages."""
    command = [
        "apt-get",
        "indextargets",
        "--no-release-info",
        "--format",
        "$(REPO_URI)",
        "Created-By: Packages",
    ]
    listed = await run_tool(command, deadline_s=UNPACK_S)
    usual = [uri for uri in listed.split() if "security" not in uri]
    if not usual:
        raise InstallProblem(
            "This box's apt names no source of packages.",
            "Build from source: 'synaptic-tui engine get --source'.",
        )
    return usual[0]


def _make_folders(root: Path, source: str) -> None:
    for folder in ("state/lists/partial", "cache/archives/partial", "nothing/partial", "log"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for suite in SUITES:
        (root / f"{suite}.list").write_text(f"deb [signed-by={KEYRING}] {source} {suite} main\n")
    (root / "status").write_text(
        "".join(
            f"Package: {name}\nStatus: install ok installed\nArchitecture: all\nMulti-Arch: foreign\n"
            f"Version: 9999\nMaintainer: none\nDescription: declared\n\n"
            for name in ONLY_FOR_SCRIPTS
        )
    )


async def _wanted(apt: _Apt) -> dict[str, int]:
    """Every package file and its bytes; apt names only what it lacks, so here its cache is empty."""
    printed = await run_tool(apt.install("--print-uris", archives=apt.root / "nothing"), deadline_s=LIST_S)
    return {match["file"]: int(match["size"]) for match in _URI.finditer(printed)}


async def _download(apt: _Apt) -> None:
    await run_tool(apt.install("--download-only"), deadline_s=DOWNLOAD_S)


def _present(apt: _Apt, files: dict[str, int]) -> int:
    partial = apt.archives / "partial"
    return sum(
        p.stat().st_size for name in files for p in (apt.archives / name, partial / name) if p.exists()
    )


def _flatten(unpacked: Path, folder: Path) -> None:
    """Programs and libraries into one folder, links resolved; all the rest is thrown away."""
    wanted = {*PROGRAMS, "patchelf"}
    for path in unpacked.rglob("*"):
        is_library = ".so" in path.name and "gconv" not in path.parts and "audit" not in path.parts
        target = folder / path.name
        if (path.name in wanted or is_library) and not target.exists() and _is_elf(path):
            shutil.copy2(path.resolve(), target)
    shutil.rmtree(unpacked)


def _is_elf(path: Path) -> bool:
    """Told from a manual or a shell completion of the same name."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"
