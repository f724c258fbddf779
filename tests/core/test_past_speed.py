"""How fast a model was when it was placed as it is planned now."""

from __future__ import annotations

import msgspec

from app.core.past_speed import past_rate
from app.core.placement_history import PastPlacement, Speed
from app.core.plan import Plan, PlannedDevice
from app.text.address import Address
from app.text.units import GIB
from tests.support.past import device, load

NEAR, FAR = Address("10.0.0.1", 50052), Address("10.0.0.2", 50052)
MODEL = "llama3.1:70b"


def plan(*layers: tuple[Address, int]) -> Plan:
    rows = tuple(PlannedDevice(address, 0, count, 0, GIB, 0, 0, 9 * GIB) for address, count in layers)
    return Plan(rows, 8192, "f16", "f16", 0, (), ())


def measured(past: PastPlacement, rate: float | None) -> PastPlacement:
    return msgspec.structs.replace(past, speed=Speed("c", 3, rate, None))


BOTH = load(device(NEAR, layers=8), device(FAR, layers=4), model=MODEL)


def test_the_newest_that_was_measured_counts() -> None:
    past = [measured(BOTH, None), BOTH, measured(BOTH, 12.5), measured(BOTH, 11.0)]
    assert past_rate(past, MODEL, plan((NEAR, 8), (FAR, 4))) == 12.5


def test_another_placement_or_model_tells_nothing() -> None:
    past = [measured(BOTH, 12.5)]
    for other in (plan((FAR, 4), (NEAR, 8)), plan((NEAR, 9), (FAR, 3)), plan((NEAR, 8))):
        assert past_rate(past, MODEL, other) is None
    assert past_rate(past, "another", plan((NEAR, 8), (FAR, 4))) is None
