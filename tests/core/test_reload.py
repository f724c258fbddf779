"""A configuration that changes while the program runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.core import reload
from app.core.cluster import Cluster
from app.core.reload import Counts, SettingsUsed
from app.text.address import Address
from app.text.problem import Problem
from tests.support.console import lonely_cluster
from tests.support.waiting import until

BEFORE = ("nodes: ['http://127.0.9.1:1']", "backends: [127.0.9.2:1]", "networks: [127.0.0.1]")


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    async with lonely_cluster(tmp_path, *BEFORE) as opened:
        yield opened


def write(cluster: Cluster, *lines: str) -> None:
    cluster.resolved.sources.file.write_text("\n".join((*lines, "")))


async def test_what_can_change_changes_at_once(cluster: Cluster) -> None:
    write(
        cluster,
        "nodes: ['http://127.0.9.3:1']",
        "backends: [127.0.9.2:1, 127.0.9.4:1]",
        "networks: [127.0.0.9]",
        "model: other",
        "discovery: {interval_s: 9, connect_timeout_s: 0.9}",
        "routing: {pool_up_to: 3B}",
        "ollama: {connect_timeout_s: 1.5}",
        "chat: {idle_timeout_s: 7}",
        "coordinator: {context: 4096}",
        "console: {bell: true}",
    )
    changed = {one.key: one for one in await cluster.reload.again()}
    assert [node.url for node in cluster.pool.nodes] == ["http://127.0.9.3:1"]
    assert [b.address for b in cluster.backends.known] == [Address("127.0.9.2", 1), Address("127.0.9.4", 1)]
    assert cluster.settings.networks == ("127.0.0.9",)
    assert cluster.choices.now.model == "other"
    assert cluster.backends.limits.connect_s == cluster.discovery.limits.connect_s == 0.9
    assert cluster.dispatcher._policy().pool_up_to == 3_000_000_000
    assert cluster.coordinators.settings.context == 4096
    assert cluster.settings.console.bell
    assert changed["coordinator.context"].counts is Counts.NEXT_START
    assert (changed["networks"].old, changed["networks"].new) == ("127.0.0.1", "127.0.0.9")
    assert changed["networks"].counts is Counts.AT_ONCE
    assert {"nodes", "backends", "model", "routing.pool_up_to"} <= set(changed)
    assert cluster.bus.told[-1].text.startswith(f"{len(changed)} settings changed: ")


async def test_what_needs_a_restart_says_so(cluster: Cluster) -> None:
    write(cluster, *BEFORE, "console: {log_level: debug}", "engine: {folder: /nowhere}")
    assert {one.counts for one in await cluster.reload.again()} == {Counts.RESTART}


async def test_what_is_not_valid_changes_nothing_and_says_where(cluster: Cluster) -> None:
    before = cluster.resolved
    write(cluster, "networks: [127.0.0.9]", "mode: sometimes")
    with pytest.raises(Problem, match=r"line 2: 'mode' cannot be 'sometimes'"):
        await cluster.reload.again()
    assert cluster.resolved is before


async def test_what_a_person_chose_in_the_program_goes_before_the_file(cluster: Cluster) -> None:
    await cluster.choices.set_model("mine")
    write(cluster, *BEFORE, "model: of-the-file")
    assert await cluster.reload.again() == ()
    assert cluster.choices.now.model == "mine"


async def test_a_backend_that_was_added_in_the_program_stays(cluster: Cluster) -> None:
    await cluster.members.add_backend("127.0.9.9:1")
    write(cluster, "nodes: []", "networks: [127.0.0.1]")
    assert [one.key for one in await cluster.reload.again()] == ["backends", "nodes"]
    assert [str(b.address) for b in cluster.backends.known] == ["127.0.9.9:1"]


async def test_many_differences_are_told_in_a_line_and_all_are_listed(cluster: Cluster) -> None:
    long = " ".join(["word"] * 30)
    write(cluster, *BEFORE, f"chat: {{system: '{long}'}}", "console: {bell: true, theme: nord, signs: ascii}")
    changed = await cluster.reload.again()
    told = cluster.bus.told[-1].text
    assert told.startswith("4 settings changed: chat.system none → word word ")
    assert told.endswith(", and 1 more; 'reload' lists them.")
    assert len(told) < 200
    assert cluster.reload.latest == changed
    assert {one.key: one.new for one in changed}["chat.system"] == long


async def test_pins_are_told_in_words(cluster: Cluster) -> None:
    write(cluster, *BEFORE, "routing: {pins: {'large:405b': coordinator}}")
    (changed,) = await cluster.reload.again()
    assert (changed.old, changed.new) == ("none", "large:405b: coordinator")


async def test_whoever_listens_hears_that_other_settings_are_in_use(cluster: Cluster) -> None:
    with cluster.bus.subscribe() as mailbox:
        await cluster.reload.again()
        assert not any(isinstance(event, SettingsUsed) for event in mailbox.take())
        write(cluster, *BEFORE, "console: {bell: true}")
        await cluster.reload.again()
        assert any(isinstance(event, SettingsUsed) for event in mailbox.take())


async def test_a_held_backend_stays(cluster: Cluster) -> None:
    cluster.backends.hold([Address("127.0.9.2", 1)], "a coordinator")
    write(cluster, "nodes: []")
    await cluster.reload.again()
    assert [str(b.address) for b in cluster.backends.known] == ["127.0.9.2:1"]


async def test_no_secret_is_in_a_difference(cluster: Cluster) -> None:
    write(cluster, *BEFORE, "coordinator: {extra_arguments: [--hf-token, planted-token]}")
    (changed,) = await cluster.reload.again()
    assert "planted-token" not in f"{changed.new} {cluster.bus.told[-1].text}"


async def test_a_file_that_changes_is_seen_and_one_that_breaks_too(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reload, "EVERY_S", 0.01)
    watch = asyncio.create_task(cluster.reload.watch())
    await until(lambda: cluster.reload._stamp is not None)
    write(cluster, *BEFORE, "console: {bell: true}")
    await until(lambda: cluster.settings.console.bell)
    write(cluster, "no: setting")
    await until(lambda: "nothing changed, for" in cluster.bus.told[-1].text)
    assert "line 1" in cluster.bus.told[-1].text
    assert cluster.settings.console.bell
    told = len(cluster.bus.told)
    write(cluster, *BEFORE)
    await until(lambda: not cluster.settings.console.bell)
    assert len(cluster.bus.told) == told + 1, "a fault is told once"
    watch.cancel()
    await asyncio.gather(watch, return_exceptions=True)
