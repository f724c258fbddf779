"""What the real engine makes of a plan."""

from __future__ import annotations

import subprocess
from pathlib import Path

from app.core.backends import Backend
from app.core.placement import read_placement
from app.core.plan import MAX_DEVICES, Plan, Wish
from app.core.planner import plan_placement
from app.demo.model import Shape, write_model
from app.gguf.cache import CacheType
from app.llama.command import coordinator_command, coordinator_environment
from app.llama.engine import Engine
from app.llama.process import Child
from app.rpc.probe import BackendState, Device
from app.text.units import MIB
from tests.support.engine import RpcServerFactory, free_port
from tests.support.planned import Model
from tests.support.waiting import until

ENVIRONMENT = coordinator_environment({"PATH": "/usr/bin:/bin"}, "key")


async def test_each_backend_gets_the_layers_that_were_planned(
    engine: Engine, rpc_server: RpcServerFactory, tmp_path: Path
) -> None:
    layers = 12
    file, log = tmp_path / "model.gguf", tmp_path / "log"
    write_model(file, Shape(layers=layers))
    backends = [
        Backend(
            rpc_server(host=host).address,
            "state",
            BackendState.FREE,
            devices=(Device(0, 20 * MIB, free * MIB),),
            latency_ms=latency,
        )
        for host, free, latency in (("127.0.0.2", 9, 3.0), ("127.0.0.3", 4, 1.0), ("127.0.0.4", 7, 2.0))
    ]
    model = Model((MIB,) * layers, output_bytes=MIB, cache_per_token=0, working=MIB, logits=MIB)
    plan = plan_placement(
        model, Wish(256, CacheType.F16, CacheType.F16, every=True, margin_bytes=0), backends
    )
    assert isinstance(plan, Plan)
    assert len(set(plan.tensor_split)) == 3
    command = coordinator_command(
        engine.options,
        server=engine.server,
        model=file,
        backends=plan.backends,
        port=free_port("127.0.0.1"),
        alias="planned:latest",
        context=plan.context,
        threads=1,
        extra=("-ts", ",".join(map(str, plan.tensor_split)), "-lv", "5"),
    )
    child = await Child.start(command, environment=ENVIRONMENT, log=log)
    try:
        await until(lambda: "listening on" in log.read_text() or not child.running)
    finally:
        await child.stop(5)
    placed = {placed.backend: placed.layers for placed in read_placement(log) if placed.backend}
    assert placed == dict(zip(plan.backends, plan.tensor_split, strict=True)), log.read_text()


def test_it_takes_proportions_for_so_many_devices_and_no_more(engine: Engine) -> None:
    assert "input configs" not in _said_to(engine, MAX_DEVICES)
    assert "input configs" in _said_to(engine, MAX_DEVICES + 1)


def _said_to(engine: Engine, devices: int) -> str:
    command = [str(engine.server), "-m", "/no/model", "-ts", ",".join("1" * devices)]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr
