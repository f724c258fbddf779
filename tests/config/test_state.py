from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.config.state import SavedBackend, State, StateDamaged, StateFile, StateProblem
from app.text.problem import Problem


@pytest.fixture
def state_file(tmp_path: Path) -> StateFile:
    return StateFile(tmp_path / "state" / "state.yaml")


PROLOGUE = """
import os, resource, signal, sys
from dataclasses import replace
from pathlib import Path
from app.config.state import SavedBackend, StateFile
from app.text.problem import Problem

file = StateFile(Path(sys.argv[1]))
"""


def elsewhere(state_file: StateFile, code: str, *words: str) -> subprocess.Popen[str]:
    """Run code in another process, on the same file."""
    command = [sys.executable, "-c", PROLOGUE + code, str(state_file.path), *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def told_elsewhere(state_file: StateFile, preparation: str) -> str:
    """What an update in another process says, after some preparation there."""
    update = "file.update(lambda s: replace(s, model='new' * 100))"
    code = f"{preparation}\ntry:\n    {update}\nexcept Problem as problem:\n    print(problem)"
    with elsewhere(state_file, code) as process:
        told, _ = process.communicate()
    assert process.returncode == 0
    return told


WITHOUT_PRIVILEGES = "if os.geteuid() == 0: os.setresuid(65534, 65534, 65534)"


def test_what_was_saved_is_there_again_for_its_user_only(state_file: StateFile) -> None:
    state = State(mode="distributed", model="m", backends=(SavedBackend("a:1"),), nodes=("http://n:1",))
    state_file.update(lambda _: state)
    assert StateFile(state_file.path).read() == state
    assert stat.S_IMODE(state_file.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(state_file.path.parent.stat().st_mode) == 0o700
    assert [
        p.name for p in state_file.path.parent.iterdir() if p.name not in ("state.yaml", "state.lock")
    ] == []


def test_without_a_file_the_state_is_empty_and_reading_makes_none(state_file: StateFile) -> None:
    assert state_file.read() == State()
    assert not state_file.path.parent.exists()


def test_nothing_is_written_where_nothing_changes(state_file: StateFile) -> None:
    state_file.update(lambda s: replace(s, model="m"))
    before = state_file.path.stat().st_ino
    state_file.update(lambda s: replace(s, model="m"))
    assert state_file.path.stat().st_ino == before


def test_nobody_else_may_take_the_lock_or_read_the_state_whatever_the_umask(state_file: StateFile) -> None:
    before = os.umask(0)
    try:
        state_file.update(lambda s: replace(s, model="m"))
    finally:
        os.umask(before)
    modes = {stat.S_IMODE(file.stat().st_mode) for file in state_file.path.parent.iterdir()}
    assert modes == {0o600}


def test_what_a_newer_version_has_added_is_kept(state_file: StateFile) -> None:
    state_file.update(lambda s: replace(s, model="m"))
    with state_file.path.open("a") as file:
        file.write("added_later: {deep: [1, 2]}\n")
    state_file.update(lambda s: replace(s, model="n"))
    assert "added_later" in state_file.path.read_text()
    assert state_file.read().model == "n"


def test_a_file_of_a_newer_version_is_said_and_left_as_it_is(state_file: StateFile) -> None:
    state_file.path.parent.mkdir()
    state_file.path.write_text("version: 2\nmodel: {a: b}\n")
    with pytest.raises(StateProblem, match="was written by a newer version") as problem:
        state_file.read()
    assert not isinstance(problem.value, StateDamaged)
    with pytest.raises(StateProblem, match="was written by a newer version"):
        state_file.update(lambda s: replace(s, model="m"))
    assert state_file.path.read_text() == "version: 2\nmodel: {a: b}\n"


DAMAGED = {
    "{": "it is not YAML",
    "- a": "it has no keys",
    "mode: fast": "Invalid enum value 'fast' - at `$.mode`",
    "backends: 5": "Expected `array`, got `int` - at `$.backends`",
    "backends: [{address: 5}]": "Expected `str`, got `int` - at `$.backends[0].address`",
    "backends: [{address: 'a:70000'}]": "Port '70000' in 'a:70000' is not a number from 1 to 65535",
    "nodes: ['ftp://a']": "'ftp://a' is not an http or https URL",
    "version: 0": "Expected `int` >= 1 - at `$.version`",
    "1: 2": "Expected `str` - at `key` in `$`",
    "\x00": "it is not YAML",
    "2024-99-99": "it is not YAML",
    "model: !!timestamp x": "it is not YAML",
    "model: !!bool x": "it is not YAML",
    "a: !!int ''": "it is not YAML",
    "a: " + "1:" * 200 + "1.5": "it is not YAML",
    "? !!timestamp {=: 1}": "it is not YAML",
    "[" * 1000: "it is not YAML",
}


@pytest.mark.parametrize(("content", "why"), DAMAGED.items(), ids=lambda text: repr(text)[:30])
def test_a_damaged_file_is_moved_aside_and_said(state_file: StateFile, content: str, why: str) -> None:
    state_file.path.parent.mkdir()
    state_file.path.write_text(content)
    with pytest.raises(StateDamaged) as problem:
        state_file.read()
    aside = state_file.path.with_name("state.yaml.damaged-1")
    assert aside.read_text() == content
    assert f"{state_file.path} was damaged ({why}). It is now {aside}" in str(problem.value)
    assert state_file.read() == State()
    assert state_file.update(lambda s: replace(s, model="m")).model == "m"


def test_nothing_that_was_moved_aside_is_overwritten(state_file: StateFile) -> None:
    state_file.path.parent.mkdir()
    for content in ("{", "{{", "{{{"):
        state_file.path.write_text(content)
        with pytest.raises(StateDamaged):
            state_file.update(lambda s: replace(s, model="m"))
    aside = sorted(state_file.path.parent.glob("state.yaml.damaged-*"))
    assert [file.read_text() for file in aside] == ["{", "{{", "{{{"]


@given(
    st.binary(max_size=100) | st.text(alphabet="versionmdl: 1-[{]}\n!&*#'\"~", max_size=40).map(str.encode)
)
def test_any_bytes_are_a_state_or_are_moved_aside(content: bytes) -> None:
    with TemporaryDirectory() as folder:
        file = StateFile(Path(folder) / "state.yaml")
        file.path.write_bytes(content)
        try:
            file.read()
        except StateDamaged:
            assert file.path.with_name("state.yaml.damaged-1").read_bytes() == content
        except StateProblem:
            assert content.startswith(b"version"), "only a newer version is another problem"
            return
        assert file.update(lambda s: replace(s, model="another")).model == "another"


NAMES = st.text(max_size=20)
HOSTS = st.from_regex(r"[a-z]{1,9}:[1-9][0-9]{0,3}", fullmatch=True)
STATES = st.builds(
    State,
    version=st.just(1),
    mode=st.sampled_from([None, "standard", "distributed"]),
    distributed_inference=st.none() | st.booleans(),
    model=st.none() | NAMES,
    backends=st.lists(st.builds(SavedBackend, HOSTS, st.sampled_from(["added", "discovered"]))).map(tuple),
    nodes=st.lists(HOSTS.map("http://{}".format)).map(tuple),
    imported_from=st.none() | NAMES,
)


@settings(max_examples=30)
@given(st.lists(STATES, max_size=3))
@example([State(model="\x85"), State(model="modèle \N{SNOWMAN}", imported_from="\ud800")])
def test_every_state_reads_back(states: list[State]) -> None:
    with TemporaryDirectory() as folder:
        file = StateFile(Path(folder) / "state.yaml")
        for state in states:
            file.update(lambda _, state=state: state)  # type: ignore[misc]
            assert file.read() == state


def test_a_full_disk_leaves_the_old_content(state_file: StateFile) -> None:
    state_file.update(lambda s: replace(s, model="old"))
    no_room = (
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\nresource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))"
    )
    told = told_elsewhere(state_file, no_room)
    assert "cannot be written: File too large. What it held before is unchanged" in told
    assert state_file.read().model == "old"
    assert sorted(p.name for p in state_file.path.parent.iterdir()) == ["state.lock", "state.yaml"]


def test_no_change_of_any_process_is_lost(state_file: StateFile) -> None:
    code = (
        "for n in range(20):\n"
        "    file.update(lambda s: s.with_backends([SavedBackend(f'{sys.argv[2]}-{n}:1')]))\n"
    )
    writers = [elsewhere(state_file, code, f"host{n}") for n in range(4)]
    for writer in writers:
        with writer:
            writer.communicate()
    assert [writer.returncode for writer in writers] == [0, 0, 0, 0]
    assert len(state_file.read().backends) == 80


def test_no_change_of_any_thread_is_lost(state_file: StateFile) -> None:
    def add(n: int) -> None:
        state_file.update(lambda s: s.with_backends([SavedBackend(f"host{n}:1")]))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(add, range(40)))
    assert len(state_file.read().backends) == 40


@pytest.mark.parametrize("moment", ["before fsync", "before replace", "after replace"])
def test_whenever_it_is_killed_the_old_content_is_there_or_the_new(
    state_file: StateFile, moment: str
) -> None:
    state_file.update(lambda s: replace(s, model="old"))
    when, name = moment.split()
    code = (
        f"real = os.{name}\n"
        "def deadly(*arguments):\n"
        f"    if '{when}' == 'after': real(*arguments)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        f"os.{name} = deadly\n"
        "file.update(lambda s: replace(s, model='new'))\n"
    )
    with elsewhere(state_file, code) as killed:
        killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    assert state_file.read().model == ("new" if when == "after" else "old")
    # Its lock has ended with it.
    assert state_file.update(lambda s: replace(s, model="newer")).model == "newer"


def test_a_process_that_is_killed_among_many_changes_leaves_one_of_them(state_file: StateFile) -> None:
    code = (
        "for n in range(10**9):\n"
        "    file.update(lambda s: replace(s, model=str(n) * 5000, nodes=(f'http://a:{n + 1}',)))\n"
        "    print(n, flush=True)\n"
    )
    with elsewhere(state_file, code) as writer:
        assert writer.stdout is not None
        last = [int(writer.stdout.readline()) for _ in range(20)][-1]
        writer.kill()
    state = state_file.read()
    number = int(state.nodes[0].rpartition(":")[2]) - 1
    assert number >= last
    assert state.model == str(number) * 5000


@pytest.fixture
def public_file() -> Iterator[StateFile]:
    """A state in a folder that others reach but cannot write."""
    with TemporaryDirectory() as name:
        file = StateFile(Path(name) / "state.yaml")
        file.update(lambda s: replace(s, model="old"))
        file.path.with_suffix(".lock").chmod(0o666)
        file.path.chmod(0o444)
        Path(name).chmod(0o555)
        yield file
        Path(name).chmod(0o700)


def test_a_folder_that_cannot_be_written_leaves_the_old_content(public_file: StateFile) -> None:
    told = told_elsewhere(public_file, WITHOUT_PRIVILEGES)
    assert "state.yaml cannot be written: Permission denied. What it held before is unchanged." in told
    assert public_file.read().model == "old"


def test_a_lock_that_cannot_be_taken_is_said(public_file: StateFile) -> None:
    public_file.path.with_suffix(".lock").chmod(0)
    told = told_elsewhere(public_file, WITHOUT_PRIVILEGES)
    assert "cannot be written: Permission denied. Make it writable." in told


def test_a_state_without_permission_is_said_and_not_taken_for_none(public_file: StateFile) -> None:
    public_file.path.chmod(0)
    assert "state.yaml cannot be read: Permission denied." in told_elsewhere(public_file, WITHOUT_PRIVILEGES)


def test_damage_that_cannot_be_moved_aside_is_said(public_file: StateFile) -> None:
    public_file.path.chmod(0o644)
    public_file.path.write_text("{")
    told = told_elsewhere(public_file, WITHOUT_PRIVILEGES)
    assert "is damaged (it is not YAML), and cannot be moved aside: Permission denied." in told


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Problem, match="cannot be made"):
        StateFile(tmp_path / "file" / "state.yaml").update(lambda s: replace(s, model="m"))
