"""Stores as Ollama leaves them on disk, whole, odd and broken."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.demo.store import CONFIG_TYPE, Layer, add_blob, add_to_store, write_manifest
from app.gguf.header import read_header
from app.gguf.writer import Tensor, write_gguf
from app.ollama.names import parse_name
from app.ollama.store import StoreModel, StoreProblem, find_in_store, read_store
from tests.support.models import LLAMA_405B, write_llama

IMAGE = "application/vnd.ollama.image."
NAME = parse_name("small:1m")
DIGEST = "4" * 64


@pytest.fixture
def gguf(tmp_path: Path) -> Path:
    path = tmp_path / "source.gguf"
    write_gguf(path, {"general.architecture": "llama"}, [Tensor("weight", (256, 4), 12)])
    return path


@pytest.fixture
def store(tmp_path: Path, gguf: Path) -> Path:
    """A store with one good model, `small:1m`."""
    add_to_store(tmp_path / "store", NAME, gguf)
    return tmp_path / "store"


def only_model(store: Path) -> StoreModel:
    contents = read_store(store)
    assert contents.problems == ()
    [model] = contents.models
    return model


def weights(store: Path, content: bytes = b"GGUF and more") -> Layer:
    return add_blob(store, f"{IMAGE}model", content)


def config(store: Path, **keys: object) -> Layer:
    return add_blob(store, CONFIG_TYPE, json.dumps(keys).encode())


def blob(store: Path, layer: Layer) -> Path:
    return store / "blobs" / layer["digest"].replace(":", "-")


def test_a_model_with_everything(store: Path, gguf: Path) -> None:
    texts = {
        "template": b"{{ .Prompt }}",
        "system": b"Be brief.",
        "params": b'{"stop":["<|eot_id|>"],"temperature":0.6}\n',
        "license": b"MIT",
    }
    path = add_to_store(store, NAME, gguf, layers=texts)
    model = only_model(store)
    content = model.manifest.read_bytes()
    assert model.name == NAME
    assert model.problem is None
    assert model.gguf == path
    assert model.manifest == store / "manifests" / "registry.ollama.ai" / "library" / "small" / "1m"
    assert model.digest == hashlib.sha256(content).hexdigest()
    manifest = json.loads(content)
    assert model.size == sum(x["size"] for x in [*manifest["layers"], manifest["config"]])
    assert (model.parameter_size, model.quantization) == ("1K", "Q4_K")
    assert (model.system, model.has_template) == ("Be brief.", True)
    assert model.parameters == {"stop": ["<|eot_id|>"], "temperature": 0.6}
    assert (model.projector, model.adapters, model.draft) == (None, (), None)


def test_a_model_with_nothing_but_weights(store: Path) -> None:
    model = only_model(store)
    assert (model.system, model.has_template, model.parameters) == (None, False, {})
    assert model.problem is None


def test_the_real_header_of_a_large_model_is_found_through_its_name(tmp_path: Path) -> None:
    large = write_llama(tmp_path / "large.gguf", LLAMA_405B)
    add_to_store(tmp_path, parse_name("llama3.1:405b"), large, digest=DIGEST)
    model = only_model(tmp_path)
    assert (model.name.display, model.parameter_size) == ("llama3.1:405b", "405.9B")
    assert model.gguf is not None
    assert read_header(model.gguf).parameters == 405_853_388_864


def test_projector_adapters_and_draft(store: Path) -> None:
    kinds = ("model", "projector", "adapter", "adapter", "draft", "prompt")
    layers = [add_blob(store, f"{IMAGE}{kind}", b"GGUF" + bytes([n])) for n, kind in enumerate(kinds)]
    write_manifest(store, NAME, config(store), layers)
    model = only_model(store)
    files = [blob(store, layer) for layer in layers]
    assert (model.gguf, model.projector, model.adapters, model.draft) == (
        files[0],
        files[1],
        (files[2], files[3]),
        files[4],
    )
    assert model.has_template
    assert model.problem is None


@pytest.mark.parametrize(
    "name",
    ["hf.co/Bartowski/Llama-3.2-1B-GGUF:Q4_K_M", "localhost:5000/ns/m:t", "someone/Model:Latest", "small:1m"],
)
def test_names_are_those_of_the_folders(tmp_path: Path, gguf: Path, name: str) -> None:
    add_to_store(tmp_path, parse_name(name), gguf)
    assert only_model(tmp_path).name.display == name


def test_bytes_of_another_writer(store: Path, gguf: Path) -> None:
    layer, settings_layer = weights(store), config(store, model_type="8.03B", unknown={"a": [None]})
    path = store / "manifests" / "hf.co" / "org" / "repo" / "Q8_0"
    path.parent.mkdir(parents=True)
    manifest = {"layers": [{**layer, "extra": None}], "config": settings_layer, "annotations": {"x": 1}}
    path.write_text(json.dumps(manifest, indent=3))
    model = next(m for m in read_store(store).models if m.name.host == "hf.co")
    assert (model.problem, model.parameter_size, model.gguf) == (None, "8.03B", blob(store, layer))
    assert model.digest == hashlib.sha256(path.read_bytes()).hexdigest()


def test_blobs_of_very_old_stores_have_a_colon_in_their_name(store: Path) -> None:
    model = only_model(store)
    for path in (store / "blobs").iterdir():
        path.rename(path.with_name(path.name.replace("-", ":")))
    old = only_model(store)
    assert old.problem is None
    assert old.gguf is not None
    assert model.gguf is not None
    assert old.gguf.name == model.gguf.name.replace("-", ":")


def test_what_llama_cpp_cannot_load(store: Path) -> None:
    safetensors = add_blob(store, f"{IMAGE}tensor", b"tensor")
    one, other = weights(store, b"GGUF1"), weights(store, b"GGUF2")
    cloud = {"remote_host": "https://ollama.com:443", "remote_model": "gpt-oss:120b"}
    cases: dict[str, tuple[Layer, list[Layer], str]] = {
        "cloud": (config(store, **cloud), [], "It runs on ollama.com, and its weights are not on this box."),
        "elsewhere": (config(store, remote_model="m"), [one], "It runs on another server, and"),
        "mlx": (config(store, model_format="safetensors"), [one], "MLX model in safetensors"),
        "tensors": (config(store), [safetensors], "MLX model in safetensors"),
        "ancient": (config(store, model_format="ggml"), [one], "It is in the format 'ggml', which"),
        "pictures": (config(store, capabilities=["image"]), [one], "It generates images and cannot answer."),
        "several": (
            config(store),
            [one, other],
            "Its weights are in 2 blobs, and llama.cpp needs them in one.",
        ),
        "none": (config(store), [], "Its manifest names no weights."),
    }
    for tag, (settings_layer, layers, _) in cases.items():
        write_manifest(store, parse_name(f"odd:{tag}"), settings_layer, layers)
    models = {model.name.tag: model for model in read_store(store).models}
    for tag, (_, _, said) in cases.items():
        assert said in (models[tag].problem or "")
        assert models[tag].gguf is None
    assert models["1m"].problem is None


def test_a_stub_of_a_cloud_model_is_known_by_its_name(store: Path) -> None:
    stub = config(
        store, remote_host="https://ollama.com:443", remote_model="gpt-oss:120b", model_type="116.8B"
    )
    write_manifest(store, parse_name("gpt-oss:120b-cloud"), stub, [])
    model = find_in_store(read_store(store), parse_name("gpt-oss:120b:cloud"))
    assert model is not None
    assert (model.name.display, model.parameter_size) == ("gpt-oss:120b-cloud", "116.8B")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "The blob of its weights, {digits}, is missing; pull it again."),
        (b"GGUF and mor", "The blob of its weights, {digits}, has 12 bytes instead of 13; pull it again."),
        (b"PK\3\4 and more", "The blob of its weights, {digits}, is not a GGUF file."),
    ],
    ids=["missing", "cut", "other"],
)
def test_broken_weights(tmp_path: Path, content: bytes | None, said: str) -> None:
    layer = weights(tmp_path)
    write_manifest(tmp_path, NAME, config(tmp_path, model_type="8.0B"), [layer])
    path = blob(tmp_path, layer)
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    model = only_model(tmp_path)
    assert model.gguf is None
    assert model.problem == said.format(digits=layer["digest"][7:19])
    assert model.parameter_size == "8.0B"


def test_weights_that_are_a_folder_or_a_pipe(tmp_path: Path) -> None:
    layer = weights(tmp_path, b"")
    write_manifest(tmp_path, NAME, config(tmp_path), [layer])
    path = blob(tmp_path, layer)
    path.unlink()
    os.mkfifo(path)
    assert "instead of" in (only_model(tmp_path).problem or "")


@pytest.mark.parametrize(
    ("kind", "content", "said"),
    [
        ("params", b"[1]", "The blob of its parameters, {digits}, makes no sense: Expected `object`"),
        ("params", b'{"a": \xff}', "makes no sense: "),
        ("params", b'{"a":' * 50_000, "its JSON is nested without end"),
        (
            "system",
            b"x" * 2_000_000,
            "The blob of its system prompt, {digits}, has 2000000 bytes, which is too much",
        ),
        ("projector", b"none", "The blob of its projector, {digits}, is not a GGUF file."),
        ("adapter", b"ggla", "The blob of its adapter, {digits}, is not a GGUF file."),
    ],
)
def test_other_blobs_that_make_no_sense(
    store: Path, gguf: Path, kind: str, content: bytes, said: str
) -> None:
    add_to_store(store, NAME, gguf, layers={kind: content})
    model = only_model(store)
    assert said.format(digits=hashlib.sha256(content).hexdigest()[:12]) in (model.problem or "")


@pytest.mark.parametrize("content", [None, b"", b"{", b'{"model_format": 1}', b'{"model_type": "\xff"}'])
def test_a_configuration_that_makes_no_sense(tmp_path: Path, content: bytes | None) -> None:
    layer = add_blob(tmp_path, CONFIG_TYPE, content or b"")
    if content is None:
        blob(tmp_path, layer).unlink()
    write_manifest(tmp_path, NAME, layer, [weights(tmp_path)])
    assert (only_model(tmp_path).problem or "").startswith("The blob of its configuration, ")


@pytest.mark.parametrize(
    "digest",
    ["", "sha256:../../../etc/passwd", "sha256:" + "g" * 64, "md5:" + "0" * 32, "sha256:" + "0" * 65],
)
def test_a_digest_that_is_none_leads_to_no_file(store: Path, digest: str) -> None:
    layer = Layer(mediaType=f"{IMAGE}model", digest=digest, size=1)
    write_manifest(store, NAME, config(store), [layer])
    assert "which cannot be one" in (only_model(store).problem or "")


BROKEN = {
    "empty": b"",
    "cut": b'{"layers": [',
    "list": b"[]",
    "text": b"not JSON",
    "types": b'{"layers": 7}',
    "size": b'{"layers": [{"digest": "sha256:00", "size": -1}]}',
    "nested": b'{"x":' + b"[" * 100_000,
    "surrogate": b'{"layers": [{"mediaType": "\xed\xa0\x80", "digest": "", "size": 1}]}',
    "huge": b'{"layers": null}' + b" " * (17 << 20),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_manifest_hides_nothing_else(store: Path, broken: str) -> None:
    path = store / "manifests" / "registry.ollama.ai" / "library" / "broken" / "latest"
    path.parent.mkdir()
    path.write_bytes(BROKEN[broken])
    contents = read_store(store)
    [problem] = contents.problems
    assert problem.sentence.startswith(f"{path} cannot be read: ")
    assert problem.remedy
    assert [model.name for model in contents.models] == [NAME]


def test_what_is_no_manifest(store: Path) -> None:
    library = store / "manifests" / "registry.ollama.ai" / "library"
    (store / "manifests" / ".DS_Store").write_text("x")
    (store / "manifests" / "stray").write_text("x")
    (library / "stray").write_text("x")
    (library / "small" / ".DS_Store").write_text("x")
    (library / "small" / "folder").mkdir()
    (store / "manifests" / "host" / "ns" / "empty").mkdir(parents=True)
    assert only_model(store).name == NAME


def test_odd_files_where_manifests_lie(store: Path) -> None:
    folder = store / "manifests" / "registry.ollama.ai" / "library" / "small"
    os.mkfifo(folder / "pipe")
    (folder / "link").symlink_to("nowhere")
    (folder / "no name").write_text("{}")
    contents = read_store(store)
    assert [model.name for model in contents.models] == [NAME]
    assert [problem.sentence.removeprefix(f"{folder}/") for problem in contents.problems] == [
        "link cannot be read: it is not a file.",
        "no name cannot be read: 'registry.ollama.ai/library/small/no name' is no model name.",
        "pipe cannot be read: it is not a file.",
    ]


def test_a_store_that_vanishes_while_it_is_read(store: Path) -> None:
    os.rename(store, store.with_name("gone"))
    contents = read_store(store)
    assert (contents.models, contents.pulls) == ((), ())
    assert [problem.sentence for problem in contents.problems] == [
        f"{store}/manifests cannot be read: No such file or directory.",
        f"{store}/blobs cannot be read: No such file or directory.",
    ]


def test_reading_changes_nothing(store: Path) -> None:
    before = sorted((path, path.stat().st_mtime_ns) for path in store.rglob("*"))
    read_store(store)
    assert sorted((path, path.stat().st_mtime_ns) for path in store.rglob("*")) == before


def test_names_are_found_in_any_case_if_only_one_is_meant(tmp_path: Path, gguf: Path) -> None:
    for name in ("Some:8B", "twice:a", "Twice:a", "hf.co/Org/Repo:Q8_0"):
        add_to_store(tmp_path, parse_name(name), gguf)
    contents = read_store(tmp_path)

    def found(text: str) -> str | None:
        model = find_in_store(contents, parse_name(text))
        return model.name.display if model else None

    assert found("some:8b") == "Some:8B"
    assert found("hf.co/org/repo:q8_0") == "hf.co/Org/Repo:Q8_0"
    assert found("twice:a") == "twice:a"
    assert found("Twice:a") == "Twice:a"
    assert found("some:70b") is None
    assert found("org/repo:q8_0") is None
    with pytest.raises(StoreProblem, match="'TWICE:A' can be 'Twice:a' and 'twice:a'"):
        found("TWICE:A")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    place=st.integers(0, 600),
    new=st.binary(max_size=8) | st.sampled_from([b"null", b"-", b'"', b"[[", b"\xff", b"sha256:"]),
    cut=st.none() | st.integers(0, 600),
)
def test_a_mutated_manifest_is_a_model_or_a_problem(
    store: Path, gguf: Path, place: int, new: bytes, cut: int | None
) -> None:
    other = add_to_store(store, parse_name("other"), gguf, layers={"system": b"s", "params": b"{}"})
    path = store / "manifests" / "registry.ollama.ai" / "library" / "other" / "latest"
    content = path.read_bytes()
    path.write_bytes((content[:place] + new + content[place + len(new) :])[:cut])
    contents = read_store(store)
    assert len(contents.models) + len(contents.problems) == 2
    assert NAME in [model.name for model in contents.models]
    for model in contents.models:
        assert model.gguf in (None, other)
        assert (model.gguf is None) == (model.problem is not None)
