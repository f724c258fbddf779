"""`bench placement` and `bench forget` as a person runs them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from app.cli.bench import print_verdict
from app.core.bench_steps import Speed, Trial, Verdict
from app.core.candidates import Candidate
from app.core.plan import Plan, PlannedDevice
from app.text.address import Address
from tests.cli.conftest import DEADLINE_S, Run
from tests.support.engine import RpcServerFactory

Configured = Callable[..., Path]


def test_a_bench_and_what_it_changes(
    run: Run, configured: Configured, tiny_model: Path, rpc_server: RpcServerFactory
) -> None:
    workers = [rpc_server(host="127.0.0.2").address, rpc_server(host="127.0.0.3").address]
    configured(
        f"backends: ['{workers[0]}', '{workers[1]}']",
        "distributed_inference: true",
        "coordinator: {context: 512, threads: 1}",
        "placement: {backends: all}",
    )
    model = str(tiny_model)
    measured = run("bench", "placement", model, "--candidates", "2", "--json")
    assert measured.code == 0
    assert "bench placement 1 of 2, as planned:" in measured.err
    placements = measured.json["placements"]
    assert [each["name"] for each in placements] == ["as planned", "fewest backends"]
    assert all(each["speed"]["generation_per_s"] > 0 for each in placements)
    [fastest] = [each for each in placements if each["is_fastest"]]

    plan = run("plan", model, "--json").json
    assert (plan["rpc"], plan["tensor_split"]) == (fastest["rpc"], fastest["tensor_split"])
    assert plan["reasons"][-1].startswith("Measured on ")
    assert run("bench", "forget", model).err == f"1 measurement of {model} forgotten.\n"


def test_the_table_has_a_row_for_each_and_says_why_one_was_not_measured(
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = (PlannedDevice(Address("10.0.0.1", 50052), 0, 33, 0, 0, 0, 0, 0),)
    plan = Plan(rows, 8192, "f16", "f16", 0, (), ())
    fast = Trial(Candidate("as planned", plan), 71.2, Speed(11.4, 210.0, 11.1, 11.6, 5))
    failed = Trial(Candidate("all backends", plan), problem="Backend 10.0.0.3:50052 is refused.")
    print_verdict(Verdict("llama3.1:8b", 8192, (fast, failed), fast, ""))
    assert capsys.readouterr().out == (
        "PLACEMENT     READY  PROMPT   ANSWER    FROM          BACKENDS AND LAYERS  REMARK\n"
        "as planned    71 s   210 t/s  11.4 t/s  11.1 to 11.6  10.0.0.1:50052 (33)  fastest\n"
        "all backends  —      —        —         —             10.0.0.1:50052 (33)  "
        "Backend 10.0.0.3:50052 is refused.\n"
    )


def test_ctrl_c_ends_it_and_leaves_nothing(
    configured: Configured, endless_model: Path, rpc_server: RpcServerFactory, tmp_path: Path
) -> None:
    worker = rpc_server()
    configured(
        f"backends: ['{worker.address}']",
        "distributed_inference: true",
        "coordinator: {context: 512, threads: 1}",
    )
    command = [sys.executable, "-m", "app", "bench", "placement", str(endless_model), "--budget", "3600"]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, env=os.environ, cwd=tmp_path, text=True
    ) as bench:
        assert bench.stderr is not None
        assert any("starting" in line for line in bench.stderr)
        started = psutil.Process(bench.pid).children()
        bench.send_signal(signal.SIGINT)
        bench.stderr.read()
        assert bench.wait(DEADLINE_S) == 130
    assert len(started) == 1
    assert not any(psutil.pid_exists(each.pid) for each in started)
