"""The memory of several backends, that of a box counted once."""

from __future__ import annotations

from dataclasses import replace

from app.config.state import Remark
from app.core.backends import Backend
from app.core.memory import Memory, memory_together
from app.rpc.probe import BackendState, Device
from app.text.address import Address
from app.text.units import GIB

CPU = Device(0, 128 * GIB, 128 * GIB)
GPU = Device(0, 24 * GIB, 22 * GIB)


def test_the_memory_of_a_box_counts_once_however_many_workers_claim_it() -> None:
    workers = [_worker(1, port, CPU) for port in (50052, 50053, 50054)]
    assert memory_together(workers) == Memory(128 * GIB, 128 * GIB)
    assert memory_together([*workers, _worker(2, 50052, CPU)]) == Memory(256 * GIB, 256 * GIB)


def test_every_loopback_address_is_this_box() -> None:
    here = [
        Backend(Address(host, 50052), "state", BackendState.FREE, devices=(CPU,))
        for host in ("127.0.0.1", "127.0.0.2", "localhost")
    ]
    assert memory_together(here) == Memory(128 * GIB, 128 * GIB)


def test_each_gpu_counts() -> None:
    two = (GPU, replace(GPU, index=1))
    workers = [_worker(1, 50052, *two), _worker(1, 50053, GPU), _worker(1, 50054, CPU)]
    assert memory_together(workers) == Memory((3 * 22 + 128) * GIB, (3 * 24 + 128) * GIB)


def test_devices_alike_of_one_worker_are_several() -> None:
    unused = Device(0, 16 * GIB, 16 * GIB)
    workers = [_worker(1, 50052, unused, replace(unused, index=1)), _worker(1, 50053, unused)]
    assert memory_together(workers) == Memory(32 * GIB, 32 * GIB)


def test_nobody_knows_what_is_free_where_somebody_holds_it() -> None:
    held = replace(_worker(1, 50052, GPU, replace(CPU, index=1)), state=BackendState.OURS)
    assert memory_together([held]) == Memory(None, 152 * GIB)
    beside = _worker(1, 50053, CPU)
    assert memory_together([held, beside]) == Memory(None, 152 * GIB)
    assert memory_together([held, _worker(2, 50053, CPU)]) == Memory(128 * GIB, 280 * GIB)


def test_disabled_ones_and_those_never_seen_do_not_count() -> None:
    disabled = replace(_worker(1, 50052, CPU), remark=Remark(disabled=True))
    assert memory_together([disabled, _worker(2, 50052)]) is None
    assert memory_together([]) is None


def test_it_reads_as_a_person_says_it() -> None:
    assert str(Memory(22 * GIB, 24 * GIB)) == "22.0 GiB free of 24.0 GiB"
    assert str(Memory(None, 24 * GIB)) == "— free of 24.0 GiB"


def _worker(box: int, port: int, *devices: Device) -> Backend:
    return Backend(Address(f"10.0.0.{box}", port), "state", BackendState.FREE, devices=devices)
