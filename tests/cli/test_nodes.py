"""Adding, listing and removing nodes by the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.support.rpc_fakes import closed_port


@pytest.fixture(autouse=True)
def no_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No node is named by the settings."""
    config = tmp_path / "config.yaml"
    config.write_text("nodes: []\n")
    monkeypatch.setenv("SYNAPTIC_CONFIG", str(config))


def test_a_node_is_added_listed_and_removed(run: Run) -> None:
    url = f"http://{closed_port()}"
    added = run("nodes", "add", url, "--json").json
    assert (added["url"], added["up"]) == (url, False)
    [listed] = run("nodes", "list", "--json").json["nodes"]
    assert (listed["url"], listed["origin"]) == (url, "state")
    assert url in run("nodes", "list").out
    removed = run("nodes", "remove", url)
    assert (removed.code, removed.err) == (0, f"Removed {url}.\n")
    assert run("nodes", "list", "--json").json == {"nodes": []}


def test_what_to_do_without_a_node_is_said(run: Run) -> None:
    assert "Name one with 'nodes add URL'." in run("nodes", "list").err
