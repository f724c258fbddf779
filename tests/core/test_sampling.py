from __future__ import annotations

import pytest

from app.config.sampling import SamplingSettings
from app.core.sampling import OPTIONS, Origin, Said, for_llama, said_of, spoken, with_option, without_option
from app.text.problem import Problem


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("temperature", "0.7", 0.7),
        ("presence_penalty", "-1.5", -1.5),
        ("top_k", "40", 40),
        ("seed", "4294967295", 4_294_967_295),
        ("stop", "### End", ("### End",)),
    ],
)
def test_an_option_is_set_and_taken_back(name: str, text: str, value: object) -> None:
    options = with_option(SamplingSettings(), name, text)
    assert spoken(options) == {name: value}
    assert without_option(options, name) == SamplingSettings()


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("temperature", "hot", "'temperature' cannot be 'hot'. It must be a number from 0 to 100."),
        ("temperature", "-1", "'temperature' cannot be '-1'. It must be a number from 0 to 100."),
        ("top_k", "1.5", "'top_k' cannot be '1.5'. It must be a whole number from 0 to 1000000."),
        ("temprature", "1", "There is no option 'temprature'. Did you mean 'temperature'?"),
        ("zzz", "1", f"There is no option 'zzz'. There are {', '.join(OPTIONS)}."),
    ],
)
def test_what_cannot_be_is_told(name: str, text: str, told: str) -> None:
    with pytest.raises(Problem) as problem:
        with_option(SamplingSettings(), name, text)
    assert str(problem.value) == told


def test_the_nearest_word_counts_and_its_origin_is_known() -> None:
    said = said_of(
        SamplingSettings(temperature=0.1),
        SamplingSettings(temperature=0.2, top_p=0.3),
        {"temperature": 0.4, "top_p": 0.5, "top_k": 6},
    )
    assert [each for each in said if each.origin] == [
        Said("temperature", 0.1, Origin.CONVERSATION),
        Said("top_k", 6, Origin.MODEL),
        Said("top_p", 0.3, Origin.CONFIGURATION),
    ]
    assert len(said) == len(OPTIONS)


def test_llama_server_gets_its_own_names_and_nothing_that_makes_a_node_load_anew() -> None:
    assert for_llama({"num_predict": 5, "num_ctx": 4096, "top_k": 1}) == {"n_predict": 5, "top_k": 1}
