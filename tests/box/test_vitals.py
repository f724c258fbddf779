from __future__ import annotations

from collections import namedtuple
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.box.gpus import Gpu
from app.box.vitals import CoreTime, Vitals, read_vitals

LinuxTimes = namedtuple("LinuxTimes", "user nice system idle iowait irq softirq steal guest guest_nice")
SECONDS = st.floats(0, 1e9)


def cores(monkeypatch: pytest.MonkeyPatch, *times: object) -> None:
    monkeypatch.setattr(psutil, "cpu_times", lambda percpu: list(times))


def times(busy: float, idle: float, *, guest: float = 0.0) -> object:
    return LinuxTimes(busy / 2, 0.0, busy / 4, idle / 2, idle / 2, 0.0, 0.0, busy / 4, guest, 0.0)


def test_this_box() -> None:
    first = read_vitals(None)
    assert (first.cpu_percent, first.per_core, first.gpus) == (None, None, None), "a share needs two readings"
    assert 0 < first.memory_used_bytes < first.memory_total_bytes == psutil.virtual_memory().total
    assert 0 <= first.swap_used_bytes <= first.swap_total_bytes
    assert first.load_1m is not None
    assert len(first.times) == psutil.cpu_count()
    second = read_vitals(first)
    assert second.cpu_percent is None or 0 <= second.cpu_percent <= 100
    assert second.per_core is not None
    assert len(second.per_core) == len(first.times)


def test_the_share_of_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    cores(monkeypatch, times(10, 90), times(0, 100))
    first = read_vitals(None)
    cores(monkeypatch, times(11, 90), times(0, 103))
    second = read_vitals(first)
    assert (second.cpu_percent, second.per_core) == (25.0, (100.0, 0.0))
    third = read_vitals(second)
    assert (third.cpu_percent, third.per_core) == (None, (None, None)), "no time has passed"


def test_guests_are_not_counted_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    cores(monkeypatch, times(0, 0))
    first = read_vitals(None)
    cores(monkeypatch, times(10, 10, guest=4))
    # The kernel's user time of 5 s has the guest's 4 s in it.
    assert read_vitals(first).cpu_percent == 50.0


def test_a_core_that_was_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    cores(monkeypatch, times(10, 90), times(0, 100))
    first = read_vitals(None)
    cores(monkeypatch, times(20, 200))
    second = read_vitals(first)
    assert (second.cpu_percent, second.per_core) == (None, None)
    cores(monkeypatch, times(21, 200))
    assert read_vitals(second).cpu_percent == 100.0


@given(SECONDS, SECONDS, SECONDS, SECONDS)
def test_a_share_is_a_share_whatever_the_counters_do(a: float, b: float, c: float, d: float) -> None:
    share = CoreTime(a, b).share_since(CoreTime(c, d))
    assert share is None or 0 <= share <= 100


@pytest.mark.parametrize(
    ("sensors", "temperature"),
    [
        ({}, None),
        ({"coretemp": [51.0, 63.5], "acpitz": [27.8]}, 63.5),
        ({"acpitz": [27.8], "nvme": [80.0]}, 27.8),
        ({"nvme": [80.0]}, None),
        ({"k10temp": []}, None),
        ({"coretemp": [0.0], "acpitz": [-273.2]}, None),
    ],
)
def test_temperature(
    monkeypatch: pytest.MonkeyPatch, sensors: dict[str, list[float]], temperature: float | None
) -> None:
    told: dict[str, Any] = {name: [SimpleNamespace(current=c) for c in of] for name, of in sensors.items()}
    monkeypatch.setattr(psutil, "sensors_temperatures", lambda: told)
    assert read_vitals(None).temperature_c == temperature


def test_a_system_without_sensors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(psutil, "sensors_temperatures")
    assert read_vitals(None).temperature_c is None


@pytest.mark.parametrize("gpus", [None, (), (Gpu(0, "A", 1.0, 2, 3, 4.0),)])
def test_gpus_are_kept_as_they_were_read(gpus: tuple[Gpu, ...] | None) -> None:
    vitals: Vitals = read_vitals(None, gpus)
    assert vitals.gpus == gpus
