"""The route by Debian's packages, with the real apt; offline but for packages that were never downloaded."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path

import pytest

from app.llama import packages
from app.llama.apt import archives_in
from app.llama.engine import EngineProblem, Programs, examine, find_programs
from app.llama.install import get_engine
from app.llama.steps import InstallProblem, InstallStep
from tests.support.engine import CACHE

pytestmark = pytest.mark.skipif(
    bool(packages.obstacle()), reason="the route is for Debian: elsewhere the engine of the tests is built"
)
DOWNLOADS = CACHE / "downloads"
NOBODY_LISTENS = "http://127.0.0.1:9"

Get = Callable[..., Awaitable[list[InstallStep]]]


async def get(folder: Path, downloads: Path) -> list[InstallStep]:
    async with aclosing(get_engine(folder, downloads, "packages")) as steps:
        return [step async for step in steps]


@pytest.fixture(scope="session")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Downloads that hold everything; the network is used only where they do not yet."""
    if not any(archives_in(DOWNLOADS / "packages").glob("llama.cpp-tools_*.deb")):
        asyncio.run(get(tmp_path_factory.mktemp("first") / "engine", DOWNLOADS))
    return DOWNLOADS


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, NOBODY_LISTENS)


def fetched(folder: Path) -> Programs:
    return find_programs(server=None, rpc_server=None, path="", private_folder=folder)[0]


def contents(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


@pytest.mark.usefixtures("offline")
async def test_without_network_by_what_was_downloaded_before(tmp_path: Path, downloads: Path) -> None:
    folder = tmp_path / "data" / "engine"
    steps = await get(folder, downloads)
    loaded = [step for step in steps if step.text == "downloading"]
    assert loaded[-1].done == loaded[-1].total
    assert (loaded[-1].total or 0) > 10_000_000

    programs = fetched(folder)
    assert programs.rpc_server == folder / "ggml-rpc-server"
    assert programs.fit_params == folder / "llama-fit-params"
    engine = await examine(programs, {})
    assert engine.supports_rpc
    assert engine.supports_jsonl
    assert engine.build
    made_of = json.loads((folder / "engine.json").read_text())
    assert made_of["route"] == "packages"
    assert any(name.startswith("llama.cpp-tools_") for name in made_of["contents"])
    assert not any(path.is_dir() for path in contents(folder))
    assert [path.name for path in contents(folder.parent)] == ["engine", "engine.lock"]


@pytest.mark.usefixtures("offline")
async def test_a_moved_folder_is_noticed_and_fetched_again(tmp_path: Path, downloads: Path) -> None:
    first, folder = tmp_path / "first" / "engine", tmp_path / "engine"
    await get(first, downloads)
    move(first, folder)
    with pytest.raises(EngineProblem, match="the loader that it names is not there") as caught:
        await examine(fetched(folder), {})
    assert "'synaptic-tui engine get'" in caught.value.remedy
    await get(folder, downloads)
    assert (await examine(fetched(folder), {})).supports_rpc


def move(folder: Path, to: Path) -> None:
    folder.rename(to)


@pytest.mark.usefixtures("offline")
async def test_neither_network_nor_downloads(tmp_path: Path) -> None:
    with pytest.raises(InstallProblem) as caught:
        await get(tmp_path / "data" / "engine", tmp_path / "downloads")
    assert "Could not connect to 127.0.0.1:9" in caught.value.sentence
    assert "'synaptic-tui engine get --source'" in caught.value.remedy
    assert [path.name for path in contents(tmp_path / "data")] == ["engine.lock"]


@pytest.fixture
def unsigned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The apt of this box gets its packages from an archive that anybody may have made."""
    archive = tmp_path / "archive"
    for suite in ("forky", "sid"):
        listed = archive / "dists" / suite / "main" / "binary-all" / "Packages"
        listed.parent.mkdir(parents=True)
        listed.write_text(
            "Package: patchelf\nVersion: 1\nArchitecture: all\nFilename: patchelf.deb\nSize: 1\n"
        )
        digest = hashlib.sha256(listed.read_bytes()).hexdigest()
        (archive / "dists" / suite / "Release").write_text(
            f"Origin: Debian\nSuite: {suite}\nCodename: {suite}\nArchitectures: all\nComponents: main\n"
            f"Date: Thu, 01 Jan 2026 00:00:00 UTC\n"
            f"SHA256:\n {digest} {listed.stat().st_size} main/binary-all/Packages\n"
        )
    (tmp_path / "sources.list").write_text(f"deb [trusted=yes] file://{archive} forky main\n")
    (tmp_path / "apt.conf").write_text(
        f'Dir::Etc::sourcelist "{tmp_path}/sources.list";\nDir::Etc::sourceparts "/dev/null";\n'
    )
    monkeypatch.setenv("APT_CONFIG", str(tmp_path / "apt.conf"))


@pytest.mark.usefixtures("unsigned")
async def test_an_archive_that_debian_did_not_sign_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InstallProblem, match=r"forky Release' is not signed"):
        await get(tmp_path / "data" / "engine", tmp_path / "downloads")


@pytest.mark.usefixtures("offline")
async def test_a_box_without_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "apt.conf").write_text(
        'Dir::Etc::sourcelist "/dev/null";\nDir::Etc::sourceparts "/dev/null";\n'
    )
    monkeypatch.setenv("APT_CONFIG", str(tmp_path / "apt.conf"))
    with pytest.raises(InstallProblem, match=r"cannot be had: the apt of this box names no source\."):
        await get(tmp_path / "data" / "engine", tmp_path / "downloads")
