"""The sheet of past loads: planned beside actual, with the links and the speed."""

from __future__ import annotations

import msgspec

from app.core.placement_history import HeldDevice, Speed
from app.ui.placements_sheet import history_sheet
from app.ui.styles import styles_folder
from tests.support.past import device, load


def test_what_is_known_of_a_load_and_what_is_not() -> None:
    fast = msgspec.structs.replace(device("a:1"), round_trip_ms=0.4)
    nothing = HeldDevice("b:1", 0, device("b:1").planned, None)
    past = msgspec.structs.replace(load(fast, nothing), speed=Speed("c", 3, 11.4, None))
    answered, silent = history_sheet([past, load(device("a:1"))])
    assert answered.title.endswith("llama3.1:70b  context 8,192  speed 11.4 t/s, prompt —")
    assert silent.title.endswith("speed —, prompt —")
    headings, one, other = answered.rows
    assert headings == ("", "ms", "layers", "planned", "actual")
    assert one == ("a:1", "0.4", "8", "11.0 GiB", "11.0 GiB")
    assert other == ("b:1", "—", "8", "11.0 GiB", "—")
    assert f".-columns-{len(headings)} " in (styles_folder() / "modals.tcss").read_text()
