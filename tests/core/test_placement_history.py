"""The file of past loads: what is kept comes back, and what is broken hides nothing else."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.placement_history import PastPlacement, PlacementHistory, Speed
from tests.support.past import device, load

OLD = '{"at":"2026-01-02T03:04:05Z","model":"m","context":1,"devices":[]}'
"""As it was before speeds were kept."""


def speed(of: str, rate: float = 11.5) -> Speed:
    return Speed(of, 3, rate, 210.0)


def test_a_speed_belongs_to_its_load_and_the_newest_counts(tmp_path: Path) -> None:
    history = PlacementHistory(tmp_path / "state" / "placements.jsonl")
    assert history.newest(5) == ()
    history.add(load(coordinator="one"))
    history.add(load(coordinator="two"))
    history.add_speed(speed("one"))
    history.add_speed(speed("one", 12.0))
    newest, oldest = history.newest(5)
    assert (newest.speed, newest.generation_rate) == (None, None)
    assert (oldest.speed, oldest.generation_rate, oldest.prompt_rate) == (speed("one", 12.0), 12.0, 210.0)
    assert history.newest(1) == (newest,)


def test_a_speed_that_is_known_or_belongs_to_nothing_is_not_kept(tmp_path: Path) -> None:
    file = tmp_path / "placements.jsonl"
    history = PlacementHistory(file)
    history.add(load(coordinator="one"))
    history.add(load())
    history.add_speed(speed("one"))
    before = file.read_bytes()
    history.add_speed(speed("one"))
    history.add_speed(speed("another"))
    assert file.read_bytes() == before


def test_what_another_process_adds_is_seen(tmp_path: Path) -> None:
    history = PlacementHistory(tmp_path / "placements.jsonl")
    history.add(load(coordinator="one"))
    assert len(history.newest(5)) == 1
    PlacementHistory(tmp_path / "placements.jsonl").add(load(coordinator="two"))
    assert [past.coordinator for past in history.newest(5)] == ["two", "one"]


def test_a_line_of_before_and_one_that_was_cut_off(tmp_path: Path) -> None:
    file = tmp_path / "placements.jsonl"
    file.write_text(f'{OLD}\n{{"at":"2026-')
    history = PlacementHistory(file)
    [past] = history.newest(5)
    assert (past.model, past.coordinator, past.speed) == ("m", None, None)
    history.add(load(device("a:1")))
    assert [each.model for each in history.newest(5)] == ["llama3.1:70b", "m"]


names = st.sampled_from(["one", "two", "three"])
loads = st.builds(lambda of, excess: load(device("a:1", excess), coordinator=of), names, st.integers(0, 9))
speeds = st.builds(speed, names, st.floats(0.1, 1e5))
broken = st.one_of(
    st.binary(max_size=40).filter(lambda text: b"\n" not in text),
    st.sampled_from([b"{}", b"[]", b"null", b'{"of":"one"}', b'{"requests":1}', b'{"at":1}', b"\xff\xfe"]),
    st.builds(
        lambda past, cut: msgspec.json.encode(past)[:-cut], st.one_of(loads, speeds), st.integers(1, 30)
    ),
)


@settings(max_examples=50)
@given(st.lists(st.one_of(loads, speeds, broken), max_size=12))
def test_what_is_whole_comes_back_whatever_is_between(written: list[PastPlacement | Speed | bytes]) -> None:
    lines = [each if isinstance(each, bytes) else msgspec.json.encode(each) for each in written]
    expected: list[PastPlacement] = []
    last = {each.of: each for each in written if isinstance(each, Speed)}
    for place, each in enumerate(written):
        if isinstance(each, PastPlacement):
            assert each.coordinator is not None
            of_it = [s for s in written[place:] if isinstance(s, Speed) and s.of == each.coordinator]
            expected.append(msgspec.structs.replace(each, speed=last[each.coordinator] if of_it else None))
    with TemporaryDirectory() as folder:
        file = Path(folder) / "placements.jsonl"
        file.write_bytes(b"\n".join(lines))
        assert PlacementHistory(file).newest(100) == tuple(reversed(expected))
