"""The placement that a log tells: captured loads with three backends of one device each."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from app.llama.log import LogLine, parse_line
from app.llama.log_facts import LayerAssigned
from app.llama.log_reader import read_fact
from app.llama.placement import PlacedDevice, PlacementReader
from app.text.address import Address
from app.text.units import MIB

CAPTURES = Path(__file__).parent / "captures" / "placement"
READY = "0.00.001.000 I "


def captured(name: str) -> list[LogLine]:
    return [parse_line(line) for line in (CAPTURES / f"{name}.log").read_text().splitlines()]


def placement(lines: Iterable[LogLine]) -> tuple[PlacedDevice, ...]:
    reader = PlacementReader()
    for line in lines:
        reader.feed(line)
    return reader.placement


def layers(placed: tuple[PlacedDevice, ...]) -> dict[str, int | None]:
    return {device.device: device.layers for device in placed}


WHOLE_LOADS = {
    "default": {"RPC0": 3, "RPC1": 3, "RPC2": 3, "CPU": 0},
    "json-lines": {"RPC0": 3, "RPC1": 3, "RPC2": 3, "CPU": 0},
    "four-layers": {"RPC0": 2, "RPC1": 1, "RPC2": 1, "CPU": 5},
    "no-layers": {"CPU": 9},
    "no-devices": {"CPU": 9},
    "three-one-one": {"RPC0": 6, "RPC1": 2, "RPC2": 1, "CPU": 0},
    "all-on-one": {"RPC0": 9, "CPU": 0},
    "other-order": {"RPC2": 5, "RPC0": 4, "CPU": 0},
}


@pytest.mark.parametrize("name", WHOLE_LOADS)
def test_layers_as_the_log_says_them(name: str) -> None:
    assert layers(placement(captured(name))) == WHOLE_LOADS[name]


@pytest.mark.parametrize("name", WHOLE_LOADS)
def test_layers_as_the_caches_betray_them(name: str) -> None:
    """At the level that coordinators log at, no line names the device of a layer."""
    lines = [line for line in captured(name) if not isinstance(read_fact(line), LayerAssigned)]
    assert layers(placement(lines)) == WHOLE_LOADS[name]


def test_bytes_are_those_of_the_real_load_alone() -> None:
    placed = placement(captured("default"))
    assert placed[2] == PlacedDevice(
        address=Address("127.77.0.4", 50052),
        device="RPC2",
        layers=3,
        model_bytes=round(17.88 * MIB),
        kv_bytes=4 * MIB,
        compute_bytes=round(22.04 * MIB),
    )
    assert placed[3] == PlacedDevice(
        address=None,
        device="CPU",
        layers=0,
        model_bytes=round(15.62 * MIB),
        kv_bytes=0,
        compute_bytes=round(21.07 * MIB) + round(0.49 * MIB),
    )


def test_a_load_that_only_measured_holds_nothing() -> None:
    assert sum(device.model_bytes for device in placement(captured("five-dry-runs-then-nothing"))) == 0


def test_a_split_of_every_layer_over_all_devices_is_not_told() -> None:
    assert placement(captured("by-tensor")) == ()


def test_no_load_at_all() -> None:
    assert placement([]) == ()


def load(*lines: str) -> list[LogLine]:
    start = (
        "using device RPC0 (10.0.0.1:50052) - 9 MiB free",
        "using device RPC1 (10.0.0.1:50052) - 9 MiB free",
    )
    return [parse_line(READY + line) for line in (*start, "load_tensors: loading model tensors", *lines)]


TWO_DEVICES = (
    "load_tensors: offloaded 9/9 layers to GPU",
    "load_tensors: RPC0[10.0.0.1:50052] model buffer size = 100.00 MiB",
    "load_tensors: RPC1[10.0.0.1:50052] model buffer size = 50.00 MiB",
)


def test_two_devices_of_one_backend_are_told_apart() -> None:
    placed = placement(
        load(
            *TWO_DEVICES,
            "llama_kv_cache: RPC0[10.0.0.1:50052] KV buffer size = 6.00 MiB",
            "llama_kv_cache: RPC1[10.0.0.1:50052] KV buffer size = 2.00 MiB",
            "llama_kv_cache: size = 8.00 MiB ( 512 cells, 8 layers, 1/1 seqs)",
        )
    )
    assert [(d.address, d.device, d.layers, d.model_bytes) for d in placed] == [
        (Address("10.0.0.1", 50052), "RPC0", 6, 100 * MIB),
        (Address("10.0.0.1", 50052), "RPC1", 3, 50 * MIB),
    ]


def test_several_caches_and_several_files_add_up() -> None:
    placed = placement(
        load(
            *TWO_DEVICES,
            "load_tensors: RPC1[10.0.0.1:50052] model buffer size = 25.00 MiB",
            "llama_kv_cache: RPC0[10.0.0.1:50052] KV buffer size = 3.00 MiB",
            "llama_kv_cache: RPC1[10.0.0.1:50052] KV buffer size = 1.00 MiB",
            "llama_kv_cache: size = 4.00 MiB ( 512 cells, 4 layers, 1/1 seqs)",
            "llama_memory_recurrent: RPC0[10.0.0.1:50052] RS buffer size = 2.00 MiB",
            "llama_memory_recurrent: RPC1[10.0.0.1:50052] RS buffer size = 6.00 MiB",
            "llama_memory_recurrent: size = 8.00 MiB ( 1 cells, 4 layers, 1 seqs)",
        )
    )
    assert [(d.layers, d.model_bytes, d.kv_bytes) for d in placed] == [
        (4, 100 * MIB, 5 * MIB),
        (5, 75 * MIB, 7 * MIB),
    ]


@pytest.mark.parametrize(
    "cache",
    [
        ("RPC0 5.50", "RPC1 2.50", "8.00", 8),
        ("RPC0 6.00", "RPC1 2.00", "8.00", 7),
        ("RPC0 0.06", "RPC1 0.02", "0.08", 8),
        ("RPC0 0.00", "RPC1 0.00", "0.00", 0),
    ],
    ids=["layers of different sizes", "layers without a cache", "too small to tell", "no cache"],
)
def test_layers_that_the_caches_do_not_betray_are_unknown(cache: tuple[str, str, str, int]) -> None:
    *held, size, count = cache
    buffers = [str(part).split() for part in held]
    lines = [f"llama_kv_cache: {name}[10.0.0.1:50052] KV buffer size = {mib} MiB" for name, mib in buffers]
    sized = f"llama_kv_cache: size = {size} MiB ( 512 cells, {count} layers, 1/1 seqs)"
    assert [d.layers for d in placement(load(*TWO_DEVICES, *lines, sized))] == [None, None]


def test_a_compute_buffer_made_anew_replaces_the_first() -> None:
    placed = placement(
        load(
            *TWO_DEVICES,
            "sched_reserve: RPC0[10.0.0.1:50052] compute buffer size = 26.00 MiB",
            "sched_reserve: RPC0[10.0.0.1:50052] compute buffer size = 30.00 MiB",
        )
    )
    assert placed[0].compute_bytes == 30 * MIB
