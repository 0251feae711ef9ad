from __future__ import annotations

import ast
import string
from collections.abc import Iterator
from pathlib import Path

import pytest
from stampbench.bench import window
from stampbench.bench.window.captions import LANGUAGES, Captions, caption_keys
from stampbench.bench.window.keys import BINDINGS, GROUPS
from stampbench.bench.window.session.setup import PRESETS
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


@pytest.mark.parametrize(("group", "patterns"), [("explain", explain.KEYS), ("cause", explain.CAUSES)])
def test_all_explanations_have_a_caption_with_the_values_they_give(
    group: str, patterns: dict[str, str]
) -> None:
    captions = Captions("en")
    for key, pattern in patterns.items():
        assert placeholders(captions(f"{group}.{key}")) <= placeholders(pattern), key
    assert {key for key in caption_keys() if key.startswith(f"{group}.")} == {
        f"{group}.{k}" for k in patterns
    }


def said_messages() -> Iterator[tuple[str, set[str]]]:
    """Key and values of every message that the window's source says."""
    for path in Path(window.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if (
                isinstance(node, ast.Call)
                and getattr(node.func, "attr", getattr(node.func, "id", "")) == "say"
            ):
                match node.args:
                    case [ast.Constant("info" | "warning" | "error"), ast.Constant(str(key))]:
                        yield key, {keyword.arg for keyword in node.keywords if keyword.arg}


def test_all_messages_have_a_caption_with_the_values_they_give() -> None:
    captions, messages = Captions("en"), dict(said_messages())
    assert len(messages) > 15
    for key, values in messages.items():
        assert placeholders(captions(f"message.{key}")) <= values, key


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
