"""Finding the programs, and what they say of themselves."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from app.llama import engine as module
from app.llama.engine import Engine, EngineProblem, Origin, Programs, examine, find_programs
from tests.support.programs import OPTIONS, WITHOUT_RPC, asked, write_program, write_server


@pytest.fixture(autouse=True)
def nothing_of_this_box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DEBIAN_LIBEXEC", tmp_path / "libexec")


def find(
    *,
    server: Path | None = None,
    rpc_server: Path | None = None,
    path: str = "",
    private_folder: Path = Path("/nowhere"),
) -> tuple[Programs, ...]:
    return find_programs(server=server, rpc_server=rpc_server, path=path, private_folder=private_folder)


def programs(server: Path, origin: Origin = "PATH") -> Programs:
    return Programs(server, None, None, origin)


async def examined(folder: Path, **answers: str) -> Engine:
    return await examine(programs(write_server(folder, **answers)), {"PATH": "/usr/bin:/bin"})


def test_nothing_found() -> None:
    with pytest.raises(EngineProblem, match=r"^No llama-server is found on this box\. Fetch it with 'synap"):
        find()


@pytest.mark.parametrize("kind", ["missing", "folder", "no program"])
@pytest.mark.parametrize("key", ["server", "rpc_server"])
def test_what_is_named_must_be_there(key: str, kind: str, tmp_path: Path) -> None:
    named = tmp_path / "named"
    if kind == "folder":
        named.mkdir()
    if kind == "no program":
        named.write_text("")
    private = write_server(tmp_path / "private").parent
    with pytest.raises(
        EngineProblem, match=rf"named is not there, or cannot be run\. Correct engine\.{key} in"
    ):
        find(
            server=named if key == "server" else None,
            rpc_server=named if key == "rpc_server" else None,
            private_folder=private,
        )


def test_what_is_named_wins(tmp_path: Path) -> None:
    named, on_path = write_server(tmp_path / "named"), write_server(tmp_path / "bin")
    private = write_server(tmp_path / "private")
    for server in (named, on_path, private):
        write_program(server.with_name("ggml-rpc-server"), "")
    assert find(server=named, path=str(on_path.parent), private_folder=private.parent) == (
        Programs(named, named.with_name("ggml-rpc-server"), None, "settings"),
    )


def test_the_path_goes_before_what_was_fetched(tmp_path: Path) -> None:
    on_path, private = write_server(tmp_path / "bin"), write_server(tmp_path / "private")
    found = find(path=f"/nowhere::{on_path.parent}", private_folder=private.parent)
    assert found == (programs(on_path), programs(private, "private folder"))


def test_the_current_folder_is_no_part_of_an_empty_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(write_program(tmp_path / "here" / "ggml-rpc-server", "").parent)
    private = write_server(tmp_path / "private")
    assert find(path="", private_folder=private.parent) == (programs(private, "private folder"),)


@pytest.mark.parametrize("names", [("ggml-rpc-server", "rpc-server"), ("rpc-server",)])
def test_both_names_of_the_rpc_server_the_newer_one_first(names: tuple[str, ...], tmp_path: Path) -> None:
    server = write_server(tmp_path)
    for name in names:
        write_program(tmp_path / name, "")
    assert find(server=server)[0].rpc_server == tmp_path / names[0]


def test_an_rpc_server_that_is_named_goes_with_any_server(tmp_path: Path) -> None:
    server, worker = write_server(tmp_path / "bin"), write_program(tmp_path / "worker", "")
    write_program(tmp_path / "bin" / "rpc-server", "")
    assert find(path=str(server.parent), rpc_server=worker)[0].rpc_server == worker


def test_companions_elsewhere_on_the_path(tmp_path: Path) -> None:
    server, worker = write_server(tmp_path / "bin"), write_program(tmp_path / "more" / "rpc-server", "")
    fit = write_program(tmp_path / "more" / "llama-fit-params", "")
    assert find(path=f"{server.parent}:{worker.parent}") == (Programs(server, worker, fit, "PATH"),)


def test_no_companion_of_another_build(tmp_path: Path) -> None:
    private = write_server(tmp_path / "private")
    write_program(tmp_path / "bin" / "rpc-server", "")
    assert find(path=str(tmp_path / "bin"), private_folder=private.parent)[0].rpc_server is None


def test_companions_of_a_link(tmp_path: Path) -> None:
    server = write_server(tmp_path / "build")
    worker = write_program(tmp_path / "build" / "rpc-server", "")
    link = tmp_path / "bin" / "llama-server"
    link.parent.mkdir()
    link.symlink_to(server)
    assert find(path=str(link.parent)) == (Programs(link, worker, None, "PATH"),)


def test_where_debian_puts_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = write_server(tmp_path / "bin")
    worker = write_program(tmp_path / "libexec" / "some-triplet" / "llama" / "bin" / "ggml-rpc-server", "")
    monkeypatch.setattr(module, "DEBIAN_BIN", server.parent)
    assert find(path=str(server.parent))[0].rpc_server == worker
    assert find(server=server)[0].rpc_server == worker


@pytest.mark.parametrize(
    ("text", "version", "build"),
    [
        ("version: 0.7.0 (build 11669, commit Debian)", "0.7.0 (build 11669, commit Debian)", 11669),
        ("version: 0.6.0-dev (build 0, commit unknown)", "0.6.0-dev (build 0, commit unknown)", None),
        ("version: 5218 (00e3e5a1)\nbuilt with cc for x86_64", "5218 (00e3e5a1)", 5218),
        ("version: 5218 (b1234567)", "5218 (b1234567)", 5218),
        ("version: b11434", "b11434", 11434),
        ("llama.cpp of tomorrow", None, None),
        ("", None, None),
    ],
)
async def test_version(text: str, version: str | None, build: int | None, tmp_path: Path) -> None:
    engine = await examined(tmp_path, version=f"echo '{text}'")
    assert (engine.version, engine.build) == (version, build)


async def test_what_it_can_do(tmp_path: Path) -> None:
    engine = await examined(tmp_path)
    assert engine.options == {"--help", "--host", "--rpc", "--log-jsonl"}
    assert engine.supports_rpc
    assert engine.supports_jsonl
    assert engine.protocol is None
    assert asked(engine.server) == ["--version", "--help", "--rpc"]


async def test_a_build_without_rpc_that_lists_it_nevertheless(tmp_path: Path) -> None:
    engine = await examined(tmp_path, rpc=WITHOUT_RPC)
    assert "--rpc" in engine.options
    assert not engine.supports_rpc


async def test_a_build_that_does_not_list_rpc_is_not_tried(tmp_path: Path) -> None:
    engine = await examined(tmp_path, help_="echo '--host HOST'")
    assert not engine.supports_rpc
    assert not engine.supports_jsonl
    assert asked(engine.server) == ["--version", "--help"]


async def test_the_trial_leaves_no_core_dump(tmp_path: Path) -> None:
    await examined(tmp_path, rpc=f"ulimit -c > {tmp_path}/limit")
    assert (tmp_path / "limit").read_text() == "0\n"


async def test_an_option_is_a_word(tmp_path: Path) -> None:
    engine = await examined(tmp_path, help_=f"echo '{OPTIONS} --no-mmap/--mmap see ---rule and x--y'")
    assert engine.options == {"--help", "--host", "--rpc", "--log-jsonl", "--no-mmap", "--mmap"}


async def test_its_environment_holds_nothing_that_it_would_take_for_an_option(tmp_path: Path) -> None:
    server = write_server(tmp_path, version=f"env > {tmp_path}/env")
    environment = {"PATH": "/usr/bin:/bin", "LLAMA_ARG_RPC": "x", "LLAMA_API_KEY": "x", "HF_TOKEN": "x"}
    await examine(programs(server), environment)
    seen = (tmp_path / "env").read_text()
    assert "GGML_NO_BACKTRACE=1" in seen
    assert "PATH=/usr/bin:/bin" in seen
    assert "LLAMA_" not in seen
    assert "HF_" not in seen


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        ({"version": "echo oh; exit 3"}, r"llama-server does not run \(exit code 3\): oh"),
        ({"version": "kill -SEGV $$"}, r"llama-server does not run \(exit code -11\)\."),
        ({"help_": "exit 127"}, r"llama-server does not run \(exit code 127\)\."),
        ({"help_": "echo 'usage: some other program --rpc'"}, "does not behave like a llama-server"),
        ({"help_": "yes"}, "llama-server prints without end"),
    ],
)
async def test_one_that_does_not_run(answers: dict[str, str], sentence: str, tmp_path: Path) -> None:
    with pytest.raises(EngineProblem, match=sentence):
        await examined(tmp_path, **answers)


@pytest.mark.parametrize("question", ["version", "help_", "rpc"])
async def test_one_that_hangs(question: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ASKING_S", 0.5)
    with pytest.raises(EngineProblem, match=r"took longer than 500 ms"):
        await examined(tmp_path, **{question: "sleep 600"})


@pytest.mark.parametrize(
    ("origin", "remedy"),
    [
        ("settings", "Correct engine.server in the configuration"),
        ("PATH", "Repair it, or fetch another with 'synaptic-tui engine get'."),
        ("private folder", "Fetch it again with 'synaptic-tui engine get'."),
    ],
)
async def test_what_to_do_depends_on_where_it_is(origin: Origin, remedy: str, tmp_path: Path) -> None:
    server = write_server(tmp_path, version="exit 1")
    with pytest.raises(EngineProblem) as caught:
        await examine(programs(server, origin), {})
    assert caught.value.remedy.startswith(remedy)


async def test_a_loader_that_is_gone(tmp_path: Path) -> None:
    server = write_server(tmp_path)
    server.write_text("#!/gone/with/the/folder/ld-linux.so\n")
    with pytest.raises(EngineProblem, match="the loader that it names is not there") as caught:
        await examine(programs(server, "private folder"), {})
    assert "engine get" in caught.value.remedy


async def test_one_that_is_deleted_meanwhile(tmp_path: Path) -> None:
    with pytest.raises(EngineProblem, match="llama-server is not there"):
        await examine(programs(tmp_path / "llama-server"), {})


def copy_without_rpc(engine: Engine, folder: Path) -> Path:
    """The same engine, but for the library that speaks RPC."""
    for path in engine.server.parent.iterdir():
        if path.name == "llama-server":
            shutil.copy2(path, folder / path.name)
        elif path.name != "libggml-rpc.so":
            (folder / path.name).symlink_to(path)
    return folder / "llama-server"


async def test_the_real_engine(engine: Engine) -> None:
    seen = await examine(programs(engine.server), {})
    assert seen.supports_rpc
    assert seen.supports_jsonl
    assert {"--model", "--list-devices", "--host", "--port", "--api-key"} <= seen.options
    assert seen.version


async def test_the_real_engine_without_rpc(engine: Engine, tmp_path: Path) -> None:
    if not (engine.server.parent / "libggml-rpc.so").exists():
        pytest.skip("this engine is in one piece: RPC cannot be taken out of it")
    seen = await examine(programs(copy_without_rpc(engine, tmp_path)), {})
    assert "--rpc" in seen.options
    assert not seen.supports_rpc
