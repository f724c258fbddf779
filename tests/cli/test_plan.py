"""`plan` and `placement history` as a person runs them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.cli.conftest import Run
from tests.support.engine import RpcServerFactory

Configured = Callable[..., Path]


def test_a_plan_and_what_came_of_it(
    run: Run, configured: Configured, tiny_model: Path, rpc_server: RpcServerFactory
) -> None:
    worker = rpc_server()
    configured(
        f"backends: ['{worker.address}']", "distributed_inference: true", "coordinator: {context: 512}"
    )
    plan = run("plan", str(tiny_model), "--json").json
    assert (plan["fits"], plan["rpc"], plan["tensor_split"], plan["context"]) == (
        True,
        str(worker.address),
        "5",
        512,
    )
    [device] = plan["devices"]
    assert device["free_after"] == device["free_before"] - sum(
        device[part] for part in ("weights_bytes", "cache_bytes", "compute_bytes")
    )
    assert plan["round_trips_ms"] == device["latency_ms"] > 0
    told = run("plan", str(tiny_model), "--context", "1024")
    assert (told.code, "fits on 1 backend with a context of 1,024" in told.out) == (0, True)
    assert "The links add at least " in told.out
    assert "No load was planned yet" in run("placement", "history").err
    assert run("chat", "-m", str(tiny_model), "a worker").code == 0
    [past] = run("placement", "history", "--json").json["placements"]
    assert past["devices"][0]["actual"]["layers"] == 5
    assert past["devices"][0]["round_trip_ms"] > 0
    assert str(worker.address) in run("placement", "history").out


def test_what_does_not_fit_ends_with_one(
    run: Run, configured: Configured, tiny_model: Path, rpc_server: RpcServerFactory
) -> None:
    worker = rpc_server()
    configured(f"backends: ['{worker.address}']", "distributed_inference: true")
    misfit = run("plan", str(tiny_model), "--context", "10000000", "--json")
    assert (misfit.code, misfit.json["fits"]) == (1, False)
    assert misfit.json["short_by_bytes"] > 0
    assert misfit.json["nearest"]
    told = run("plan", str(tiny_model), "--without", str(worker.address))
    assert (told.code, "does not fit" in told.out) == (1, True)
    assert f"{worker.address} is left out: You left it out." in told.out
