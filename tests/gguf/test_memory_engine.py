"""What is told from a header is what the real engine takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.gguf.header import read_model
from app.gguf.memory import CacheType, needs_of
from app.llama.engine import Engine
from app.text.units import MIB
from tests.support.architectures import ARCHITECTURES, DENSE, GEMMA2
from tests.support.engine import RpcServerFactory
from tests.support.placing import Compared, Setting, compare, place

TOLERANCE = 3.0
"""Of weights and caches, in %."""


def check(compared: list[Compared]) -> None:
    for device in compared:
        assert abs(device.error) <= TOLERANCE, device
        assert device.allowance >= device.compute, device


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_device_takes_what_was_estimated(
    name: str, engine: Engine, rpc_server: RpcServerFactory, tmp_path: Path
) -> None:
    model = ARCHITECTURES[name].write(tmp_path / "model.gguf")
    needs = needs_of(read_model(model))
    backends = [rpc_server(host=host).address for host in ("127.0.0.2", "127.0.0.3")]
    setting = Setting(context=5000)
    placement = place(engine, model, backends, setting, tmp_path)
    compared = compare(needs, placement, setting)
    assert len(compared) == 2
    check(compared)
    host = next(device for device in placement if device.address is None)
    assert host.model_bytes == pytest.approx(needs.host_bytes, abs=MIB / 50)


@pytest.mark.parametrize(
    ("k", "v"),
    [(CacheType.Q8_0, CacheType.Q4_0), (CacheType.F32, CacheType.BF16), (CacheType.F16, CacheType.IQ4_NL)],
    ids=str,
)
def test_caches_of_other_types(
    k: CacheType, v: CacheType, engine: Engine, rpc_server: RpcServerFactory, tmp_path: Path
) -> None:
    model = GEMMA2.write(tmp_path / "model.gguf")
    setting = Setting(16384, k, v)
    backends = [rpc_server().address, rpc_server(host="127.0.0.3").address]
    for device in compare(
        needs_of(read_model(model)), place(engine, model, backends, setting, tmp_path), setting
    ):
        assert abs(device.error) <= TOLERANCE
        # F32 is converted to F16 for flash attention, in a buffer that the allowance leaves out.
        assert k is CacheType.F32 or device.allowance >= device.compute


@pytest.mark.parametrize(
    ("split", "layers"), [("1", [7]), ("6,1", [6, 1]), ("1,5,1", [1, 5, 1])], ids=["one", "two", "three"]
)
def test_however_the_layers_are_divided(
    split: str, layers: list[int], engine: Engine, rpc_server: RpcServerFactory, tmp_path: Path
) -> None:
    model = DENSE.write(tmp_path / "model.gguf")
    setting = Setting(2048, split=split)
    backends = [rpc_server(host=f"127.0.0.{n + 2}").address for n in range(len(layers))]
    compared = compare(
        needs_of(read_model(model)), place(engine, model, backends, setting, tmp_path), setting
    )
    assert [device.layers for device in compared] == layers
    check(compared)
