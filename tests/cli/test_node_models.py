"""Keeping the models of a node by the command line: on a stand-in in a process of its own."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.support.rpc_fakes import closed_port

ROOT = Path(__file__).parents[2]


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of a node that has one model, and can pull another; it is the only one that is known."""
    stand_in = [sys.executable, "-m", "tests.support.ollama_server"]
    with subprocess.Popen(
        [*stand_in, "--model", "here:1b", "--registry", "new:8b"], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        config = tmp_path / "config.yaml"
        config.write_text(f"nodes: ['{url}']\n")
        monkeypatch.setenv("SYNAPTIC_CONFIG", str(config))
        yield url
        process.terminate()


def models(run: Run) -> list[str]:
    [node] = run("nodes", "list", "--json").json["nodes"]
    return sorted(node["models"])


def loaded(run: Run) -> list[str]:
    [node] = run("nodes", "list", "--json").json["nodes"]
    return [model["name"] for model in node["loaded"]]


def test_a_model_is_pulled_with_progress(run: Run, node: str) -> None:
    done = run("nodes", "pull", "new:8b", "--json")
    assert done.code == 0, done.err
    assert done.json == {"done": "pulled", "model": "new:8b", "node": node}
    assert "waiting" in done.err
    assert models(run) == ["here:1b", "new:8b"]


def test_a_model_is_loaded_and_unloaded(run: Run, node: str) -> None:
    done = run("nodes", "load", "here:1b", "--keep-alive", "-1")
    assert (done.code, done.out) == (0, "")
    assert done.err.endswith(f"Loaded here:1b on {node}.\n")
    assert loaded(run) == ["here:1b"]
    assert run("nodes", "unload", "here:1b", "--on", node).code == 0
    assert loaded(run) == []


def test_deleting_asks_first(run: Run, node: str) -> None:
    refused = run("nodes", "delete", "here:1b")
    assert refused.code == 2
    assert "Say --yes." in refused.err
    assert models(run) == ["here:1b"]
    assert run("nodes", "delete", "here:1b", "--yes").code == 0
    assert models(run) == []


@pytest.mark.parametrize(("answer", "code", "left"), [(b"n\n", 1, ["here:1b"]), (b"y\n", 0, [])])
def test_deleting_asks_in_a_terminal(run: Run, node: str, answer: bytes, code: int, left: list[str]) -> None:
    ours, theirs = pty.openpty()
    os.write(ours, answer)
    done = subprocess.run(
        [sys.executable, "-m", "app", "nodes", "delete", "here:1b"],
        stdin=theirs,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    os.close(ours)
    os.close(theirs)
    assert done.returncode == code, done.stderr
    assert "Delete here:1b from the node that has it? It can only be pulled again. [y/N]" in done.stderr
    assert models(run) == left


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("pull", "nobody:1b"), "The registry has no model nobody:1b."),
        (("pull", "a b"), "'a b' is no model name."),
        (("load", "nobody:1b"), "No node that is up has nobody:1b."),
        (("load", "here:1b", "--keep-alive", "soon"), "invalid duration"),
        (("unload", "here:1b"), "No node has here:1b loaded."),
        (("delete", "nobody:1b", "--yes"), "No node has nobody:1b."),
        (("pull", "new:8b", "--on", "http://127.0.0.1:9"), "No node http://127.0.0.1:9 is known."),
    ],
)
def test_what_cannot_be_done_is_said_and_counts_as_failed(
    run: Run, node: str, words: tuple[str, ...], sentence: str
) -> None:
    done = run("nodes", *words)
    assert (done.code, done.out) == (1, "")
    assert sentence in done.err


def test_nodes_that_are_down(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(f"nodes: ['http://{closed_port()}']\n")
    monkeypatch.setenv("SYNAPTIC_CONFIG", str(config))
    done = run("nodes", "pull", "new:8b")
    assert done.code == 1
    assert "No node is up." in done.err


def test_progress_in_a_terminal_stays_on_one_line(node: str) -> None:
    ours, theirs = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "app", "nodes", "pull", "new:8b"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=theirs,
        timeout=60,
        check=False,
    )
    os.close(theirs)
    told = os.read(ours, 1 << 16).decode()
    os.close(ours)
    assert (done.returncode, done.stdout) == (0, b"")
    before, _, last = told.rpartition("\r\x1b[K")
    assert "waiting" in before
    assert "\n" not in before
    assert last.strip() == f"Pulled new:8b on {node}."
