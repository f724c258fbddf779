"""What a process does, as the kernel counts it."""

from __future__ import annotations

import os
import threading
import time

import pytest

from app.box import process_work
from app.box.process_work import ThreadWork


def test_the_time_of_each_thread_is_its_own() -> None:
    before = process_work.process_work(os.getpid())
    assert before is not None
    ends = time.thread_time() + 0.1
    while time.thread_time() < ends:
        pass
    after = process_work.process_work(os.getpid())
    assert after is not None
    mine = threading.get_native_id()
    began, ended = (next(t.core_s for t in work.threads if t.thread == mine) for work in (before, after))
    assert ended - began >= 0.08, "but for a tick at both ends"
    assert not after.waits_for_disk
    assert after.read_bytes >= before.read_bytes >= 0


def test_a_process_that_is_not_there_does_nothing() -> None:
    assert process_work.process_work(2**22 + 1) is None


@pytest.mark.parametrize(("state", "waits"), [("D", True), ("S", False), ("R", False)])
def test_a_thread_that_waits_for_the_disk(state: str, waits: bool) -> None:
    stat = f"7 (a) R (b) {state} 1 7 7 0 -1 4194304 10 0 3 0 200 100 0 0 20 0 1 0 99\n"
    seen = process_work._thread(7, stat, "2000000000 1500000000 12\n")
    assert seen == ThreadWork(7, 3.5, waits)


def test_what_a_disk_was_read_is_told_or_not() -> None:
    assert process_work._read_bytes("rchar: 1\nread_bytes: 4096\nwrite_bytes: 0\n") == 4096
    with pytest.raises(ValueError, match="not told"):
        process_work._read_bytes("rchar: 1\n")
