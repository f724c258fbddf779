"""What a person says of backends: kept on disk, whoever named them; and what is removed comes back whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.config.state import Remark, StateFile
from app.rpc.probe import BackendState
from app.text.problem import Problem
from tests.support.console import lonely_cluster
from tests.support.engine import RpcServerFactory


async def test_a_disabled_backend_is_neither_probed_nor_used_until_it_is_enabled(
    tmp_path: Path, rpc_server: RpcServerFactory
) -> None:
    kept, off = rpc_server(host="127.0.0.2"), rpc_server(host="127.0.0.3")
    async with lonely_cluster(tmp_path) as cluster:
        for worker in (kept, off):
            await cluster.members.add_backend(str(worker.address))
        assert (await cluster.members.disable(str(off.address))).word == "disabled"
        looks = len(cluster.backends.looks(off.address))
        await cluster.look()
        assert len(cluster.backends.looks(off.address)) == looks
        assert [b.address for b in cluster.backends.usable] == [kept.address]
    async with lonely_cluster(tmp_path) as cluster:
        await cluster.look()
        known = cluster.backends.get(off.address)
        assert known is not None
        assert (known.word, known.state) == ("disabled", None)
        assert (await cluster.members.enable(str(off.address))).state is BackendState.FREE


async def test_what_was_removed_comes_back_with_name_note_and_as_enabled_as_it_was(tmp_path: Path) -> None:
    async with lonely_cluster(tmp_path) as cluster:
        members, address = cluster.members, "127.0.0.9:9"
        await members.add_backend(address)
        await members.rename(address, "attic")
        await members.note(address, "loud fan")
        await members.disable(address)
        before = StateFile(cluster.places.state_file).read()
        removed = await members.remove_backend(address)
        assert StateFile(cluster.places.state_file).read().remarks == {}
        await members.bring_back(removed)
        assert StateFile(cluster.places.state_file).read() == before
        [known] = cluster.backends.known
        assert (known.remark, known.word) == (Remark("attic", "loud fan", disabled=True), "disabled")


async def test_what_others_have_named_can_be_remarked_and_not_removed(tmp_path: Path) -> None:
    lines = ("backends: [127.0.0.9:9]",)
    async with lonely_cluster(tmp_path, *lines) as cluster:
        await cluster.members.disable("127.0.0.9:9")
        await cluster.members.rename("127.0.0.9:9", "attic")
        with pytest.raises(Problem, match="config file, which this program never changes"):
            await cluster.members.remove_backend("127.0.0.9:9")
    async with lonely_cluster(tmp_path, *lines) as cluster:
        [known] = cluster.backends.known
        assert (known.remark.name, known.word) == ("attic", "disabled")


async def test_what_probes_saw_is_remembered_and_bounded(tmp_path: Path) -> None:
    async with lonely_cluster(tmp_path) as cluster:
        backend = await cluster.members.add_backend("127.0.0.9:9")
        for _ in range(130):
            await cluster.backends.check([backend.address])
        looks = cluster.backends.looks(backend.address)
        assert len(looks) == 120
        assert looks[-1].state is BackendState.REFUSED


async def test_a_backend_that_our_coordinator_holds_is_not_disabled(tmp_path: Path) -> None:
    async with lonely_cluster(tmp_path) as cluster:
        backend = await cluster.members.add_backend("127.0.0.9:9")
        cluster.backends.hold([backend.address], "a coordinator")
        with pytest.raises(Problem, match="held by our coordinator"):
            await cluster.members.disable("127.0.0.9:9")
