"""Names as Ollama reads them; the tables are those of its own tests (types/model/name_test.go)."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.ollama.names import ModelName, NameProblem, name_of_parts, parse_name, same_model

REGISTRY = "registry.ollama.ai"
PART_80 = "8" * 80
HOST_350 = "3" * 350


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "registry.ollama.ai/library/dolphin-mistral:7b-v2.6-dpo-laser-q6_K",
            (REGISTRY, "library", "dolphin-mistral", "7b-v2.6-dpo-laser-q6_K"),
        ),
        ("scheme://host:port/namespace/model:tag", ("host:port", "namespace", "model", "tag")),
        ("https://host/namespace/model", ("host", "namespace", "model", "latest")),
        ("host/namespace/model:tag", ("host", "namespace", "model", "tag")),
        ("host:port/namespace/model:tag", ("host:port", "namespace", "model", "tag")),
        ("host/namespace/model", ("host", "namespace", "model", "latest")),
        ("localhost:5000/ns/m", ("localhost:5000", "ns", "m", "latest")),
        ("namespace/model", (REGISTRY, "namespace", "model", "latest")),
        ("model", (REGISTRY, "library", "model", "latest")),
        ("llama3.1:405b", (REGISTRY, "library", "llama3.1", "405b")),
        ("h/nn/mm:t", ("h", "nn", "mm", "t")),
        ("_why/_the/_lucky:_stiff", ("_why", "_the", "_lucky", "_stiff")),
        ("host:https/namespace/model:tag", ("host:https", "namespace", "model", "tag")),
        (f"{HOST_350}/{PART_80}/{PART_80}:{PART_80}", (HOST_350, PART_80, PART_80, PART_80)),
        (
            "hf.co/bartowski/Llama-3.2-1B-Instruct-GGUF:Q4_K_M",
            ("hf.co", "bartowski", "Llama-3.2-1B-Instruct-GGUF", "Q4_K_M"),
        ),
        ("  llama3  ", (REGISTRY, "library", "llama3", "latest")),
    ],
)
def test_parts(text: str, parts: tuple[str, str, str, str]) -> None:
    assert parse_name(text).parts == parts
    assert name_of_parts(*parts) == parse_name(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "n/m:",
        "@t",
        "m@d",
        "^",
        "mm:",
        "/nn/mm",
        "//",
        "//mm",
        "hh//",
        "//mm:@",
        "00@",
        "@",
        "-hh/nn/mm:tt",
        "hh/-nn/mm:tt",
        "hh/nn/-mm:tt",
        "hh/nn/mm:-tt",
        "host/name:space/model:tag",
        "host/name.space/model",
        "https://host/model",
        "a/b/c/d",
        "../../etc/passwd",
        "model:..",
        "modèle",
        "llama3\n:x",
        "model:sha256:abc",
        "9" * 81,
        f"{'3' * 351}/n/m",
        f"m:{'9' * 81}",
    ],
)
def test_no_names(text: str) -> None:
    with pytest.raises(NameProblem, match="is no model name") as caught:
        parse_name(text)
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("llama3", "llama3:latest"),
        ("registry.ollama.ai/library/llama3:8b", "llama3:8b"),
        ("Registry.Ollama.AI/Library/llama3:8b", "llama3:8b"),
        ("someone/model", "someone/model:latest"),
        ("hf.co/org/repo:Q8_0", "hf.co/org/repo:Q8_0"),
        ("hf.co/library/repo", "hf.co/library/repo:latest"),
    ],
)
def test_display_is_as_short_as_ollamas(text: str, shown: str) -> None:
    assert parse_name(text).display == str(parse_name(text)) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("llama3:local", "llama3:latest"),
        ("llama3:8b:local", "llama3:8b"),
        ("llama3:8b:LOCAL", "llama3:8b"),
        ("gpt-oss:120b-cloud", "gpt-oss:120b-cloud"),
        ("gpt-oss:120b:cloud", "gpt-oss:120b-cloud"),
        ("gpt-oss:120b-Cloud", "gpt-oss:120b-cloud"),
        ("gpt-oss:cloud", "gpt-oss:cloud"),
        ("hf.co/a-cloud/repo", "hf.co/a-cloud/repo:latest"),
        ("localhost:5000/ns-cloud/m", "localhost:5000/ns-cloud/m:latest"),
        ("some-cloud", "some-cloud:latest"),
    ],
)
def test_endings_that_say_where_it_runs(text: str, shown: str) -> None:
    assert parse_name(text).display == shown


@pytest.mark.parametrize("text", ["m:local:cloud", "m:cloud:local", "m:8b-cloud:local", "m:8b-cloud:cloud"])
def test_both_endings_are_a_contradiction(text: str) -> None:
    with pytest.raises(NameProblem, match="both :local and :cloud"):
        parse_name(text)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("llama3", "llama3:latest", True),
        ("llama3", "registry.ollama.ai/library/LLAMA3:Latest", True),
        ("llama3:8b", "llama3:70b", False),
        ("llama3:8b", "someone/llama3:8b", False),
        ("hf.co/Org/Repo:q8_0", "hf.co/org/repo:Q8_0", True),
        ("gpt-oss:120b", "gpt-oss:120b-cloud", False),
        ("gpt-oss:120b", "gpt-oss:120b:local", True),
        ("not a name", "not a name", True),
        ("not a name", "not a  name", False),
        ("not a name", "llama3", False),
    ],
)
def test_the_same_model(one: str, other: str, same: bool) -> None:
    assert same_model(one, other) is same
    assert same_model(other, one) is same


FIRST = "abcABC019_"
hosts = st.builds(str.__add__, st.sampled_from(FIRST), st.text(FIRST + "-.:", max_size=20))
namespaces = st.builds(str.__add__, st.sampled_from(FIRST), st.text(FIRST + "-", max_size=20))
parts = st.builds(str.__add__, st.sampled_from(FIRST), st.text(FIRST + "-.", max_size=20))
whole_names = st.builds(ModelName, hosts | st.just(REGISTRY), namespaces | st.just("library"), parts, parts)


@given(whole_names)
def test_what_is_shown_is_read_back(name: ModelName) -> None:
    assume("cloud" not in name.tag.lower())
    assert parse_name(name.display) == name
    assert parse_name("/".join(name.parts[:3]) + f":{name.tag}") == name
    assert name_of_parts(*name.parts) == name


@given(st.text())
def test_any_text_is_a_valid_name_or_a_problem(text: str) -> None:
    try:
        name = parse_name(text)
    except NameProblem:
        return
    assert name_of_parts(*name.parts) == name
    assert parse_name(name.display).key == name.key
    assert not {"", ".", ".."} & set(name.parts)
