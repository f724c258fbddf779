from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from app.demo.store import add_blob, add_to_store, write_manifest
from app.gguf.header import HeaderProblem, read_header
from app.gguf.writer import Tensor, write_gguf
from app.ollama.names import parse_name
from tests.support.models import LLAMA_405B, write_llama

NAME = parse_name("some/model:tag")
DIGEST = "4" * 64


def config_of(store: Path) -> bytes:
    manifest = json.loads(
        (store / "manifests" / "registry.ollama.ai" / "some" / "model" / "tag").read_bytes()
    )
    digest = str(manifest["config"]["digest"])
    return (store / "blobs" / digest.replace(":", "-")).read_bytes()


def test_a_manifest_is_written_byte_for_byte_like_ollamas(tmp_path: Path) -> None:
    config = add_blob(tmp_path, "application/vnd.docker.container.image.v1+json", b"{}\n")
    layer = add_blob(tmp_path, "application/vnd.ollama.image.system", b"Be brief.")
    path = write_manifest(tmp_path, NAME, config, [layer])
    assert path == tmp_path / "manifests" / "registry.ollama.ai" / "some" / "model" / "tag"
    assert path.read_bytes() == (
        b'{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json",'
        b'"config":{"mediaType":"application/vnd.docker.container.image.v1+json",'
        b'"digest":"sha256:ca3d163bab055381827226140568f3bef7eaac187cebd76878e0b63e9e442356","size":3},'
        b'"layers":[{"mediaType":"application/vnd.ollama.image.system",'
        b'"digest":"sha256:' + hashlib.sha256(b"Be brief.").hexdigest().encode() + b'","size":9}]}\n'
    )


def test_weights_are_copied_under_their_digest(tmp_path: Path, tiny_model: Path) -> None:
    blob = add_to_store(tmp_path, NAME, tiny_model)
    assert blob.read_bytes() == tiny_model.read_bytes()
    assert blob == tmp_path / "blobs" / f"sha256-{hashlib.sha256(blob.read_bytes()).hexdigest()}"
    assert blob.stat().st_ino != tiny_model.stat().st_ino, "who breaks a blob must not break its source"


def test_the_configuration_tells_what_the_header_says(tmp_path: Path) -> None:
    path = write_llama(tmp_path / "large.gguf", LLAMA_405B)
    add_to_store(tmp_path, NAME, path, digest=DIGEST)
    assert config_of(tmp_path) == (
        b'{"model_format":"gguf","model_family":"llama","model_families":["llama"],"model_type":"405.9B",'
        b'"file_type":"Q4_K_M","architecture":"amd64","os":"linux"}\n'
    )


@pytest.mark.parametrize(
    ("elements", "written"),
    [
        (7, "7"),
        (22_400, "22K"),
        (137_000_000, "137M"),
        (494_030_000, "494.03M"),
        (7_000_000_000, "7B"),
        (8_030_000_000, "8.0B"),
        (1_000_000_000_000, "1000B"),
    ],
)
def test_sizes_are_written_in_ollamas_words(tmp_path: Path, elements: int, written: str) -> None:
    path = tmp_path / "some.gguf"
    write_gguf(path, {}, [Tensor("weight", (elements,), 0)])
    add_to_store(tmp_path, NAME, path, digest=DIGEST)
    assert json.loads(config_of(tmp_path))["model_type"] == written


def test_holes_stay_holes_and_what_lies_between_them_stays(tmp_path: Path) -> None:
    path = tmp_path / "holes.gguf"
    islands = [Tensor(f"island{n}", (4,), 0, bytes([n + 1]) * 16) for n in range(3)]
    hole = [Tensor(f"hole{n}", (1 << 28,), 0) for n in range(2)]
    write_gguf(path, {}, [islands[0], hole[0], islands[1], hole[1], islands[2]])
    blob = add_to_store(tmp_path, NAME, path, digest=DIGEST)
    assert blob.stat().st_size == path.stat().st_size > 2 << 30
    assert blob.stat().st_blocks * 512 < 1 << 20
    assert read_header(blob).tensors == read_header(path).tensors
    with path.open("rb") as one, blob.open("rb") as other:
        for place in (0, (1 << 30), (1 << 30) + 16, (2 << 30)):
            one.seek(place)
            other.seek(place)
            assert one.read(1024) == other.read(1024)
        other.seek(-32, 2)
        assert other.read() == bytes([3]) * 16 + bytes(16)


def test_what_is_no_gguf_is_not_added(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a model")
    with pytest.raises(HeaderProblem, match="is not a GGUF file"):
        add_to_store(tmp_path / "store", NAME, path)
    assert not (tmp_path / "store").exists()
