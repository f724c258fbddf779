"""Prompts by the command line on the real engine, and what happens to a coordinator that is left alone."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from tests.cli.conftest import Run
from tests.support.engine import RpcServerFactory

Configured = Callable[..., Path]
SMALL = "coordinator: {context: 512, threads: 1}"


def test_chat_streams_the_answer_and_stops_what_it_started(
    run: Run, configured: Configured, rpc_server: RpcServerFactory, tiny_model: Path
) -> None:
    configured(SMALL)
    workers = [rpc_server(host="127.0.0.2"), rpc_server(host="127.0.0.3")]
    options = [word for w in workers for word in ("--rpc-backend", str(w.address))]
    answered = run("chat", *options, "-m", str(tiny_model), "a worker")
    assert answered.code == 0, answered.err
    assert "lends its memory to the coordinator" in answered.out
    assert "ready in" in answered.err
    assert "t/s" in answered.err
    assert run("status", "--json").json["coordinator"] is None
    assert all(worker.alive for worker in workers)


def test_chat_as_json_ends_with_route_and_timings(run: Run, configured: Configured, tiny_model: Path) -> None:
    configured(SMALL)
    answered = run("chat", "--json", "-m", str(tiny_model), "a worker")
    lines = [json.loads(line) for line in answered.out.splitlines()]
    assert "lends its memory" in "".join(line.get("delta", "") for line in lines)
    assert lines[-1]["done"] is True
    assert lines[-1]["route"]["target"] == "coordinator"
    assert lines[-1]["timings"]["tokens"] > 10
    assert lines[-1]["timings"]["ttft_s"] > 0


def test_a_coordinator_that_is_kept_is_known_used_again_and_stopped(
    run: Run, configured: Configured, rpc_server: RpcServerFactory, tiny_model: Path
) -> None:
    configured(SMALL)
    worker = rpc_server()
    options = ("--rpc-backend", str(worker.address))
    assert run("chat", *options, "--keep", "-m", str(tiny_model), "a worker").code == 0
    status = run("status", "--json", *options).json
    coordinator = status["coordinator"]
    assert coordinator["state"] == "ready"
    assert coordinator["backends"] == [str(worker.address)]
    assert status["backends"]["by_state"] == {"ours": 1}
    placed = {p["backend"]: p["bytes"] for p in coordinator["placement"]}
    assert placed[str(worker.address)] > 0

    again = run("chat", *options, "-m", str(tiny_model), "a worker")
    assert "adopted" in again.err
    assert run("status", "--json", *options).json["coordinator"]["pid"] == coordinator["pid"]

    assert run("stop").code == 0
    _until_gone(coordinator["pid"])
    assert run("status", "--json").json["coordinator"] is None
    assert worker.alive


def test_a_killed_process_leaves_nothing_that_the_next_one_does_not_know(
    run: Run, configured: Configured, endless_model: Path
) -> None:
    configured(SMALL)
    command = [sys.executable, "-m", "app", "chat", "--json", "-m", str(endless_model), "a worker"]
    chat = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert chat.stdout is not None
    while b"delta" not in chat.stdout.readline():
        assert chat.poll() is None
    chat.send_signal(signal.SIGKILL)
    chat.wait()
    chat.stdout.close()
    found = run("status", "--json").json["coordinator"]
    assert found["model"] == str(endless_model)
    assert psutil.pid_exists(found["pid"])
    assert run("stop").code == 0
    _until_gone(found["pid"])


def test_two_that_are_started_are_listed_and_stopped_by_name_or_together(
    run: Run, configured: Configured, rpc_server: RpcServerFactory, tiny_model: Path, tmp_path: Path
) -> None:
    configured(SMALL, "placement: {margin_gib: 0.1}")
    names = [str(tiny_model), str(shutil.copy(tiny_model, tmp_path / "other.gguf"))]
    workers = [rpc_server(host="127.0.0.2"), rpc_server(host="127.0.0.3")]
    options = [word for w in workers for word in ("--rpc-backend", str(w.address))]
    started = [run("start", "--json", *options, name) for name in names]
    assert [each.json["model"] for each in started] == names, started
    kept = run("placement", "history", "--json").json["placements"]
    assert [each["model"] for each in kept] == names[::-1], "what came of each plan, before the command ends"
    listed = run("status", "--json", *options).json["coordinators"]
    assert [each["model"] for each in listed] == names
    assert {each["backends"][0] for each in listed} == {str(w.address) for w in workers}

    which = run("stop")
    assert which.code == 1
    assert "2 coordinators run: " in which.err
    assert "Name one, or give --all." in which.err
    assert "No coordinator of nobody runs on this box." in run("stop", "nobody").err
    assert run("stop", names[0]).code == 0
    _until_gone(listed[0]["pid"])
    assert psutil.pid_exists(listed[1]["pid"])
    assert run("stop", "--all").code == 0
    _until_gone(listed[1]["pid"])


def test_an_interrupt_ends_the_answer_the_coordinator_and_the_command(
    run: Run, configured: Configured, endless_model: Path
) -> None:
    configured(SMALL)
    command = [sys.executable, "-m", "app", "chat", "-m", str(endless_model), "a worker"]
    chat = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert chat.stdout is not None
    assert chat.stdout.read(20)
    chat.send_signal(signal.SIGINT)
    _, err = chat.communicate(timeout=60)
    assert chat.returncode == 130
    assert b"Traceback" not in err
    assert run("status", "--json").json["coordinator"] is None


def _until_gone(pid: int) -> None:
    deadline = time.monotonic() + 10
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, f"{pid} still runs"
        time.sleep(0.05)
        os.sched_yield()
