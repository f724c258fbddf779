from __future__ import annotations

import http.server
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from app.text.units import bytes_text
from tests.cli.conftest import Run
from tests.support.engine import RpcServerFactory, free_port

Configured = Callable[..., Path]


def test_discover_finds_exactly_the_workers_and_says_what_else_is_there(
    run: Run, configured: Configured, rpc_server: RpcServerFactory
) -> None:
    configured()
    port = free_port("127.0.0.2")
    workers = [rpc_server(host=f"127.0.0.{n}", port=port) for n in (2, 3, 4)]
    stranger = http.server.ThreadingHTTPServer(("127.0.0.5", port), http.server.SimpleHTTPRequestHandler)
    thread = threading.Thread(target=stranger.serve_forever, daemon=True)
    thread.start()
    held = socket.create_connection((workers[2].address.host, port))
    try:
        found = run("discover", "--network", "127.0.0.0/28", "--port", str(port), "--json")
    finally:
        held.close()
        stranger.shutdown()
        stranger.server_close()
        thread.join()
    assert found.code == 0, found.err
    states = {b["address"].split(":")[0]: b["state"] for b in found.json["backends"]}
    assert states == {"127.0.0.2": "free", "127.0.0.3": "free", "127.0.0.4": "busy", "127.0.0.5": "not-rpc"}
    assert found.json["candidates"] == 14
    free = next(b for b in found.json["backends"] if b["address"].startswith("127.0.0.2:"))
    assert free["devices"][0]["total_bytes"] > 0
    assert free["protocol"].count(".") == 2
    assert free["latency_ms"] > 0
    assert all(worker.alive for worker in workers)
    listed = run("backends", "list", "--json").json["backends"]
    assert {b["address"].split(":")[0] for b in listed} == {"127.0.0.2", "127.0.0.3", "127.0.0.4"}


def test_a_backend_is_added_listed_and_removed(
    run: Run, configured: Configured, rpc_server: RpcServerFactory
) -> None:
    configured()
    worker = rpc_server()
    address = str(worker.address)
    added = run("backends", "add", address, "--json").json
    assert (added["address"], added["state"]) == (address, "free")
    [listed] = run("backends", "list", "--json").json["backends"]
    assert (listed["address"], listed["state"], listed["origin"]) == (address, "free", "state")
    assert run("backends", "remove", address).code == 0
    assert run("backends", "list", "--json").json == {"backends": []}
    assert worker.alive


def test_a_backend_is_disabled_enabled_named_and_noted(
    run: Run, configured: Configured, rpc_server: RpcServerFactory
) -> None:
    configured()
    address = str(rpc_server().address)
    run("backends", "add", address)
    run("backends", "rename", address, "attic")
    run("backends", "note", address, "loud fan")
    off = run("backends", "disable", address, "--json").json
    assert (off["enabled"], off["name"], off["note"], off["state"]) == (False, "attic", "loud fan", None)
    assert "disabled" in run("backends", "list").out
    assert run("backends", "enable", address, "--json").json["state"] == "free"
    assert run("backends", "disable", "127.0.0.9").code == 1


def test_two_workers_of_one_box_have_its_memory_once(
    run: Run, configured: Configured, rpc_server: RpcServerFactory
) -> None:
    configured()
    workers = [rpc_server(host="127.0.0.2") for _ in range(2)]
    for worker in workers:
        run("backends", "add", str(worker.address))
    listed = run("backends", "list", "--json").json["backends"]
    [[one], [other]] = [backend["devices"] for backend in listed]
    assert one["total_bytes"] == other["total_bytes"]
    memory = run("status", "--json").json["backends"]["memory"]
    assert memory == {"free_bytes": one["free_bytes"], "total_bytes": one["total_bytes"]}
    said = f"{bytes_text(one['free_bytes'])} free of {bytes_text(one['total_bytes'])}"
    assert said in run("status").out
    shown = run("backends", "list")
    assert said in shown.out + shown.err


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("backends", "add", "127.0.0.2:70000"), 2, "Port '70000'"),
        (("backends", "add", "no-such-host.invalid"), 1, "'no-such-host.invalid' does not resolve"),
        (("backends", "remove", "127.0.0.9"), 1, "No backend 127.0.0.9:50052 is known."),
        (("backends", "add", "[::1]:50052"), 2, "IPv6"),
        (("discover", "--network", "10.0.0.0/99"), 1, "10.0.0.0/99"),
        (("route", "no-such-model"), 1, "No model is called 'no-such-model'"),
        (("chat", "hello"), 1, "No model is chosen."),
        (("--config", "/no/such/file", "status"), 1, "/no/such/file cannot be read"),
        (("no-such-command",), 2, "no-such-command"),
        ((), 2, "needs a terminal"),
    ],
)
def test_wrong_use_gets_one_sentence_and_changes_nothing(
    run: Run, configured: Configured, words: tuple[str, ...], code: int, sentence: str
) -> None:
    configured()
    before = run("status", "--json").out
    wrong = run(*words)
    assert (wrong.code, wrong.out) == (code, "")
    assert sentence in wrong.err
    assert run("status", "--json").out == before


def test_a_backend_of_the_environment_is_there_but_not_ours_to_remove(
    run: Run, configured: Configured
) -> None:
    configured()
    environment = {"LLAMA_RPC_BACKENDS": "127.0.0.9:50999"}
    [listed] = run("backends", "list", "--json", **environment).json["backends"]
    assert (listed["origin"], listed["state"]) == ("environment", "refused")
    refused = run("backends", "remove", "127.0.0.9:50999", **environment)
    assert refused.code == 1
    assert "environment" in refused.err
