from __future__ import annotations

import string

import pytest
from stampbench.bench.window.captions import LANGUAGES, Captions, caption_keys
from stampbench.bench.window.keys import BINDINGS, GROUPS
from stampbench.bench.window.session.presets import PRESETS
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.screen import explain
from stampbench.sim.screen.sources import SourceKind, SourceState


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_caption_has_the_same_placeholders_in_every_language(language: str) -> None:
    english, other = Captions("en"), Captions(language)
    for key in caption_keys():
        assert placeholders(other(key)) == placeholders(english(key)), key


def test_korean_captions_are_korean() -> None:
    korean, english = Captions("ko"), Captions("en")
    same = {key for key in caption_keys() if korean(key) == english(key)}
    assert same <= {"app.no_hangul", "message.error"}


@pytest.mark.parametrize(
    ("group", "patterns"),
    [("explain", explain.KEYS), ("cause", explain.CAUSES), ("message", explain.MESSAGES)],
)
def test_all_that_the_session_says_has_a_caption_with_the_values_it_gives(
    group: str, patterns: dict[str, str]
) -> None:
    captions = Captions("en")
    for key, pattern in patterns.items():
        assert f"{group}.{key}" in captions
        assert placeholders(captions(f"{group}.{key}")) <= placeholders(pattern), key
    if group != "message":  # the window has messages of its own
        assert {key for key in caption_keys() if key.startswith(f"{group}.")} == {
            f"{group}.{k}" for k in patterns
        }


def test_all_keys_presets_and_sources_have_captions() -> None:
    captions = Captions("en")
    wanted = [f"action.{binding.action}" for binding in BINDINGS if binding.group]
    wanted += [f"group.{group}" for group in GROUPS]
    wanted += [f"preset.{preset.key}" for preset in PRESETS]
    wanted += [f"source.{kind}" for kind in SourceKind] + [f"state.{state}" for state in SourceState]
    assert [key for key in wanted if key not in captions] == []


def test_an_unknown_explanation_falls_back_to_what_was_said() -> None:
    assert Captions("ko").get("explain.unheard_of", {}, "unheard_of") == "unheard_of"
    assert Captions("ko").get("explain.read", {}, "no value given") == "no value given"


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(InputError, match="language 'fr': expected one of en, ko"):
        Captions("fr")
