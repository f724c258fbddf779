"""What the rows of the backends are sorted by."""

from __future__ import annotations

from app.core.backends import Backend
from app.core.placement import Share
from app.rpc.probe import BackendState
from app.text.address import Address
from app.ui.panes.backend_order import BackendOrder, by_address
from app.ui.widgets.ledger import Column

QUICK, SLOW, UNKNOWN = (
    Backend(Address("10.0.0.9", 1), "state", BackendState.FREE, latency_ms=1.0),
    Backend(Address("10.0.0.10", 1), "state", BackendState.FREE, latency_ms=9.0),
    Backend(Address("10.0.0.2", 1), "state", BackendState.REFUSED),
)
COLUMNS = (Column("mark", "", 1), Column("backend", "backend", 22), Column("ms", "ms", 4))


def test_what_is_not_known_is_last_either_way() -> None:
    order = BackendOrder()
    order.choose("ms")
    assert _sorted(order) == [QUICK, SLOW, UNKNOWN]
    order.choose("ms")
    assert _sorted(order) == [SLOW, QUICK, UNKNOWN]


def test_those_alike_are_in_the_order_of_their_addresses() -> None:
    order = BackendOrder()
    assert _sorted(order) == [UNKNOWN, QUICK, SLOW]
    order.choose("origin")
    assert _sorted(order) == [UNKNOWN, QUICK, SLOW]


def test_the_next_column_is_one_by_which_rows_can_be_sorted() -> None:
    order = BackendOrder()
    order.go_on(COLUMNS)
    assert [column.title for column in order.titled(COLUMNS)] == ["", "backend", "ms▲"]
    order.go_on(COLUMNS)
    assert order.is_by_host
    order.choose("mark")
    assert order.is_by_host


def test_the_share_of_a_model_is_what_is_held_of_it() -> None:
    order = BackendOrder()
    order.choose("layers")
    assert order.place(QUICK, Share(3, 1)) < order.place(SLOW, Share(4, 0)) < order.place(UNKNOWN, None)


def test_names_come_after_numbers() -> None:
    assert sorted(("b:1", "10.0.0.10:1", "a:1", "10.0.0.9:50052"), key=by_address) == [
        "10.0.0.9:50052",
        "10.0.0.10:1",
        "a:1",
        "b:1",
    ]


def _sorted(order: BackendOrder) -> list[Backend]:
    known = (SLOW, UNKNOWN, QUICK)
    return sorted(known, key=lambda backend: order.place(backend, None), reverse=order.reverse)
