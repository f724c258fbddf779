"""A private apt: lists, downloads and an idea of what is installed of its own, in a folder, without root.

Where to download from, and by what proxy, is taken from the configuration of the box.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.llama.steps import OTHERWISE, InstallProblem
from app.llama.tool import ToolProblem, tool_output

SUITES = ("forky", "sid")
"""Suites that have the packages, the one to prefer first."""
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
ASKING_S = 120.0
LIST_S = 300.0
DOWNLOAD_S = 1800.0

_URI = re.compile(r"'[^']+' (?P<file>\S+\.deb) (?P<size>\d+)")


@dataclass(frozen=True, slots=True)
class Apt:
    """It installs nothing: it downloads packages and all that they need."""

    folder: Path
    packages: Sequence[str]
    files: Mapping[str, int]
    """Each package file that is needed, and its bytes."""

    @property
    def archives(self) -> Path:
        """Where the package files are that it has downloaded."""
        return archives_in(self.folder)

    @property
    def total(self) -> int:
        """Bytes of all package files."""
        return sum(self.files.values())

    def present(self) -> int:
        """How many bytes of them are there."""
        places = (f / name for name in self.files for f in (self.archives, self.archives / "partial"))
        return min(self.total, sum(path.stat().st_size for path in places if path.exists()))

    async def download(self) -> None:
        """Get all package files; those that are there already are not got again.

        Raises:
            ToolProblem: one cannot be had, or is not what its signed list says.
        """
        await tool_output(_install(self.folder, self.packages, "--download-only"), deadline_s=DOWNLOAD_S)

    def delete_others(self) -> None:
        """Delete package files of earlier versions."""
        for path in self.archives.glob("*.deb"):
            if path.name not in self.files:
                path.unlink()


def archives_in(folder: Path) -> Path:
    """Where the package files are that an apt in `folder` has downloaded."""
    return folder / "cache" / "archives"


async def private_apt(folder: Path, packages: Sequence[str], *, declared: Sequence[str]) -> Apt:
    """An apt that knows `packages`, from the first source and suite that has them.

    `declared` count as installed. Where no source answers, the lists of the last time are used.

    Raises:
        InstallProblem: the packages cannot be had.
        ToolProblem: the apt of this box does not run.
    """
    refusals: list[str] = []
    for source in await _sources():
        for suite in SUITES:
            _prepare(folder, f"deb [signed-by={KEYRING} target=Packages] {source} {suite} main\n", declared)
            try:
                await tool_output(_command(folder, "update"), deadline_s=LIST_S)
            except ToolProblem as problem:
                refusals.append(problem.sentence)
            try:
                return Apt(folder, packages, await _files(folder, packages))
            except ToolProblem as problem:
                refusals.append(problem.sentence)
    why = refusals[0] if refusals else "the apt of this box names no source."
    raise InstallProblem(f"Debian's packages of llama.cpp cannot be had: {why}", OTHERWISE)


async def _files(folder: Path, packages: Sequence[str]) -> dict[str, int]:
    # It leaves out what it has in its cache, so that is an empty one here.
    elsewhere = f"-oDir::Cache::archives={folder / 'nothing'}"
    printed = await tool_output(_install(folder, packages, "--print-uris", elsewhere), deadline_s=ASKING_S)
    return {match["file"]: int(match["size"]) for match in _URI.finditer(printed)}


def _install(folder: Path, packages: Sequence[str], *flags: str) -> list[str]:
    return _command(folder, "install", "--yes", "--no-install-recommends", *flags, *packages)


def _command(folder: Path, *words: str) -> list[str]:
    return ["apt-get", "-q", f"--config-file={folder / 'apt.conf'}", *words]


async def _sources() -> list[str]:
    """Where the apt of this box gets packages; first those that look like Debian's main archive."""
    which = ("--no-release-info", "--format", "$(REPO_URI)", "Created-By: Packages")
    listed = await tool_output(["apt-get", "indextargets", *which], deadline_s=ASKING_S)
    sources = [uri for uri in dict.fromkeys(listed.split()) if "security" not in uri]
    return sorted(sources, key=lambda uri: not uri.rstrip("/").endswith("/debian"))


def _prepare(folder: Path, source: str, declared: Sequence[str]) -> None:
    for name in ("state/lists/partial", "cache/archives/partial", "nothing/partial", "log"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "sources.list").write_text(source)
    (folder / "status").write_text(
        "".join(
            f"Package: {name}\nStatus: install ok installed\nArchitecture: all\nMulti-Arch: foreign\n"
            f"Version: 9999\nMaintainer: none\nDescription: declared\n\n"
            for name in declared
        )
    )
    (folder / "apt.conf").write_text(_CONFIGURATION.format(folder=folder))


_CONFIGURATION = """\
Dir::State "{folder}/state";
Dir::State::status "{folder}/status";
Dir::Cache "{folder}/cache";
Dir::Cache::pkgcache "pkgcache.bin";
Dir::Cache::srcpkgcache "";
Dir::Cache::archives "{folder}/cache/archives";
Dir::Etc::sourcelist "{folder}/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::Log "{folder}/log";
APT::Sandbox::User "";
APT::Update::Error-Mode "any";
Acquire::Languages "none";
Acquire::Retries "1";
Debug::NoLocking "true";
// A frozen mirror may be older than its own date of expiry; its signature is still checked.
Acquire::Check-Valid-Until "false";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear APT::Default-Release;
"""
"""Read after the box's own, whose hooks are for the box."""
