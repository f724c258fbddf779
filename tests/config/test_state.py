from __future__ import annotations

import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from app.config.record import CoordinatorRecord, RecordFolder
from app.config.state import SavedBackend, State, StateFile, StateProblem
from app.text.problem import Problem


@pytest.fixture
def state_file(tmp_path: Path) -> StateFile:
    return StateFile(tmp_path / "state" / "state.yaml")


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


def test_what_a_newer_version_has_added_is_kept(state_file: StateFile) -> None:
    state_file.update(lambda s: replace(s, model="m"))
    with state_file.path.open("a") as file:
        file.write("added_later: {deep: [1, 2]}\n")
    state_file.update(lambda s: replace(s, model="n"))
    assert "added_later" in state_file.path.read_text()
    assert state_file.read().model == "n"


@pytest.mark.parametrize(
    "content", ["{", "- a", "version: 99", "mode: fast", "backends: 5", "\x00", "backends: [{address: 5}]"]
)
def test_a_file_that_cannot_be_used_is_said_and_left_as_it_is(state_file: StateFile, content: str) -> None:
    state_file.path.parent.mkdir()
    state_file.path.write_text(content)
    with pytest.raises(StateProblem, match=str(state_file.path)):
        state_file.read()
    with pytest.raises(StateProblem):
        state_file.update(lambda s: replace(s, model="m"))
    assert state_file.path.read_text() == content


def test_a_full_disk_leaves_the_old_content(state_file: StateFile) -> None:
    state_file.update(lambda s: replace(s, model="old"))
    code = (
        "import resource, signal, sys\n"
        "from dataclasses import replace\n"
        "from pathlib import Path\n"
        "from app.config.state import StateFile\n"
        "from app.text.problem import Problem\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))\n"
        "try:\n"
        "    StateFile(Path(sys.argv[1])).update(lambda s: replace(s, model='new' * 100))\n"
        "except Problem as problem:\n"
        "    print(problem)\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", code, str(state_file.path)], capture_output=True, text=True, check=True
    ).stdout
    assert "What it held before is unchanged" in told
    assert state_file.read().model == "old"
    assert sorted(p.name for p in state_file.path.parent.iterdir()) == ["state.lock", "state.yaml"]


def test_no_change_of_any_process_is_lost(state_file: StateFile) -> None:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from app.config.state import SavedBackend, StateFile\n"
        "for n in range(20):\n"
        "    StateFile(Path(sys.argv[1])).update("
        "lambda s: s.with_backends([SavedBackend(f'{sys.argv[2]}-{n}:1')]))\n"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", code, str(state_file.path), f"host{n}"]) for n in range(4)
    ]
    assert [writer.wait() for writer in writers] == [0, 0, 0, 0]
    assert len(state_file.read().backends) == 80


def test_a_record_hides_its_key_and_survives_a_damaged_neighbour(tmp_path: Path) -> None:
    folder = RecordFolder(tmp_path)
    record = CoordinatorRecord(port=1, model="m", argv=("a",), log="/log", key="secret", pid=5, started=1.5)
    folder.save(record)
    (tmp_path / "2.json").write_text("{")
    records, problems = folder.all()
    assert records == (record,)
    assert "secret" not in repr(record)
    assert "2.json" in problems[0]
    assert stat.S_IMODE((tmp_path / "1.json").stat().st_mode) == 0o600
    folder.remove(record)
    folder.remove(record)
    assert folder.all()[0] == ()


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Problem, match="cannot be made"):
        StateFile(tmp_path / "file" / "state.yaml").update(lambda s: replace(s, model="m"))
