"""What one backend holds of a model."""

from __future__ import annotations

from dataclasses import replace

from app.core.placement import Placement, Share, share_of
from app.text.address import Address
from app.text.units import GIB

HERS, OTHER = Address("127.0.0.1", 50052), Address("127.0.0.2", 50052)
ONE = Placement(HERS, "RPC0", 4, 3 * GIB, GIB, GIB)


def test_the_devices_of_one_are_added_up() -> None:
    placement = (ONE, replace(ONE, device="RPC1", layers=2), replace(ONE, backend=OTHER))
    assert share_of(HERS, placement) == Share(6, 10 * GIB)


def test_layers_are_unknown_where_those_of_one_device_are() -> None:
    assert share_of(HERS, (ONE, replace(ONE, layers=None))) == Share(None, 10 * GIB)


def test_who_holds_nothing_has_no_share() -> None:
    assert share_of(OTHER, (ONE, replace(ONE, backend=None))) is None
