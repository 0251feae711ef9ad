"""Pages of the reference, made from the code's own types and commands whenever the documentation is built."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

PROJECT = Path(__file__).parents[1]

TABLES = {
    "plans": (
        "Plans",
        "What `stampbench run`, `campaign` and `screen --plan` press. `stampbench plan copy quickstart` "
        "gives one to change, `plan check` says what is wrong with it, `plan list` what it holds. "
        "`include = [...]` lays a plan on others; `--set KEY=VALUE` lays a setting on top.",
        {
            "[plan]": "bench.plans.tables:Header",
            "[[cases]]": "bench.plans.tables:CaseTable",
            "[[limits]]": "bench.plans.tables:Limit",
            "[decoder]": "bench.plans.tables:DecoderSettings",
            "[rig]": "bench.plans.tables:RigSettings",
            "[dut]": "bench.plans.tables:DutSettings",
            "[dut.answer]": "bench.plans.tables:DutAnswer",
            "[dut.between]": "bench.plans.tables:DutBetween",
            "[condition], and condition of a case": "sim.panel.condition:Condition",
            "[handling], and handling of a case": "sim.press:Handling",
        },
    ),
    "lots": (
        "Lots",
        "What `stampbench validate` measures and judges; `stampbench plan copy moulded-lot` gives one to "
        "change.",
        {
            "[lot]": "bench.validation.plans:LotHeader",
            "[sampling]": "bench.validation.plans:Sampling",
            "[measurement]": "bench.validation.plans:Measurement",
            "[reference]": "bench.validation.plans:Reference",
            "[tolerances]": "bench.validation.plans:Tolerances",
            "[[appraisers]]": "bench.validation.plans:Appraiser",
            "error of an appraiser in software": "sim.rig.error:RigError",
            "[made]": "bench.validation.plans:Made",
        },
    ),
    "sweeps": (
        "Sweeps",
        "What `stampbench sweep` presses: one plan over a grid of settings.",
        {"[sweep]": "bench.sweep.sweeping:Header", "[[axes]]": "bench.sweep.sweeping:Axis"},
    ),
    "faults": (
        "Faults of a rig",
        "What befalls the line of a rig in software: `stampbench rig --faults FILE`, or `[rig] faults` of a "
        "plan.",
        {"keys": "firmware_emulator.link.faults:Faults"},
    ),
    "stations": (
        "Station files of robots",
        "What `stampbench robot` and `run --robot` may do: limits, heights, and what the head carries.",
        {"[robot]": "bench.robot.setup:Setup"},
    ),
    "sessions": (
        "Sessions of gestures",
        "What was done on a touch panel, for `stampbench metrics`.",
        {
            "a session": "bench.touch.gestures:_Session",
            "one gesture": "bench.touch.gestures:_RecordedGesture",
        },
    ),
    "records": (
        "Records",
        "A run appends JSON lines to `records.jsonl`: a header, a line a press (or a chunk of presses in "
        "memory, or what a scenario found), an end. Everything else is rendered from them.",
        {
            "line = run": "bench.records.files:RunHeader",
            "line = press": "bench.records.presses:PressRecord",
            "its reading": "bench.records.presses:ReadingRecord",
            "its timing": "bench.records.presses:Timing",
            "line = chunk": "bench.records.chunks:PressChunk",
            "line = trial": "bench.records.findings:Trial",
            "line = figure": "bench.records.findings:Figure",
            "line = end": "bench.records.files:RunEnd",
        },
    ),
    "certificates": (
        "Certificates",
        "What `stampbench validate` seals and signs, in `certificate.jsonl`.",
        {"certificate": "bench.validation.certificate.certificate:Certificate"},
    ),
}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made."""
    made = {f"reference/{name}.md": _tables_page(*page) for name, page in TABLES.items()}
    made["reference/commands.md"] = _commands_page()
    made["reference/python.md"] = _python_page()
    made["reference/scripts.md"] = _scripts_page()
    made["reference/protocol.md"] = (PROJECT / "firmware_emulator/PROTOCOL.md").read_text(encoding="utf-8")
    made["changelog.md"] = (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")
    for uri, content in made.items():
        files.append(File.generated(config, uri, content=content))
    return files


def _tables_page(title: str, text: str, tables: dict[str, str]) -> str:
    return "\n\n".join([f"# {title}", text, *(_table(name, where) for name, where in tables.items())])


def _table(name: str, where: str) -> str:
    """Return one table of keys: type, default and meaning, as the class has them."""
    module, _, class_name = where.partition(":")
    cls = getattr(importlib.import_module(f"stampbench.{module}"), class_name)
    summary, meanings = _docstring(cls)
    rows = ["| key | type | default | meaning |", "|---|---|---|---|"]
    for key, kind, default in _fields(cls):
        cells = (f"`{key}`", f"`{kind}`", default, meanings.get(key, ""))
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return f"## `{name}`\n\n{summary}\n\n" + "\n".join(rows)


def _fields(cls: type) -> Iterator[tuple[str, str, str]]:
    if dataclasses.is_dataclass(cls):
        for one in dataclasses.fields(cls):
            default = "required" if one.default is dataclasses.MISSING else f"`{one.default!r}`"
            yield one.name, str(one.type).replace(" | ", " or "), default
        return
    for field in msgspec.structs.fields(cls):
        if field.required:
            default = "required"
        elif field.default is not msgspec.NODEFAULT:
            default = f"`{field.default!r}`"
        else:
            default = f"`{field.default_factory()!r}`"
        yield field.encode_name, _annotation(cls, field.name), default


def _annotation(cls: type, name: str) -> str:
    for owner in cls.__mro__:
        if name in (found := inspect.get_annotations(owner)):
            said = str(found[name])
            said = re.sub(r"Annotated\[(.+?), Meta\([^)]*\)\]", r"\1", said)
            return said.replace("_Name", "str").replace("_Count", "int").replace(" | ", " or ")
    return ""


def _docstring(cls: type) -> tuple[str, dict[str, str]]:
    """Return the text before ``Attributes:``, and what it says of each attribute."""
    text, _, attributes = (inspect.getdoc(cls) or "").partition("Attributes:\n")
    meanings: dict[str, str] = {}
    for entry in re.split(r"\n(?=\S)", textwrap.dedent(attributes.split("\n\n")[0])):
        names, colon, said = entry.partition(": ")
        for name in names.split(", ") if colon else ():
            meanings[name.strip()] = _plain(" ".join(said.split()))
    return _plain(text.strip()), meanings


def _plain(text: str) -> str:
    text = re.sub(r">>> .*", "", text, flags=re.DOTALL).strip()
    return re.sub(r":\w+:`~?([^`]+)`|``([^`]+)``", lambda found: f"`{found[1] or found[2]}`", text)


def _commands_page() -> str:
    import typer
    from stampbench.bench.cli import main

    main._register_commands()
    lines = [
        "# Commands",
        "Every command has `--help` (`-h`); where one prints a result, `--json` prints it as JSON alone on "
        "stdout. `stampbench --install-completion` completes words in your shell. Exit status: 0 passed, 1 a "
        "limit missed, "
        "2 interrupted, 3 the bench failed, 4 the input cannot be used, 5 nothing ran, 77 no hardware.",
    ]
    lines += _commands(typer.main.get_command(main.app), "stampbench")
    return "\n\n".join(lines)


def _commands(group: Any, before: str) -> Iterator[str]:
    for name, command in sorted(group.commands.items()):
        words = f"{before} {name}"
        if not hasattr(command, "commands") or command.params:
            yield f"## {words}"
            yield _plain(command.help or "")
            yield "\n".join(_options(command))
            if command.epilog:
                examples = command.epilog.split("\n\n")[1:]
                yield "```sh\n" + "\n".join(examples) + "\n```"
        if hasattr(command, "commands"):
            yield from _commands(command, words)


def _options(command: Any) -> Iterator[str]:
    yield "| option | default | meaning |"
    yield "|---|---|---|"
    for param in command.params:
        if param.name == "help":
            continue
        shown = getattr(param, "show_default", "")
        default = (
            shown if isinstance(shown, str) else ("" if param.default in (None, False) else param.default)
        )
        name = ", ".join(param.opts) if param.param_type_name == "option" else (param.metavar or param.name)
        needed = "required" if param.required else default
        cells = (f"`{name}`", str(needed or ""), _plain(getattr(param, "help", "") or ""))
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _python_page() -> str:
    import stampbench

    lines = [
        "# Python",
        "`import stampbench as sb`: these names are the public ones; types travel along (`py.typed`).",
    ]
    for name in stampbench.__all__:
        value = getattr(stampbench, name)
        lines += [f"## sb.{name}", *_described(name, value)]
        if inspect.isclass(value):
            for part, member in inspect.getmembers(value):
                own = inspect.isfunction(member) or inspect.ismethod(member) or isinstance(member, property)
                if own and not part.startswith("_") and inspect.getdoc(member):
                    lines += [f"### sb.{name}.{part}", *_described(part, member)]
    return "\n\n".join(lines)


def _described(name: str, value: Any) -> Iterator[str]:
    """Yield signature and docstring of a class, function or property as Markdown."""
    if callable(value):
        try:
            signature = str(inspect.signature(value)).replace("stampbench.", "")
            yield f"```python\n{name}{signature}\n```"
        except ValueError:
            pass
    for block in re.split(r"\n\n+", inspect.getdoc(value) or ""):
        title, _, entries = block.partition(":\n")
        if title in ("Args", "Attributes", "Returns", "Raises", "Yields"):
            bullets = re.split(r"\n(?=\S)", textwrap.dedent(entries))
            said = (re.sub(r"^([^:]+):", r"`\1`:", " ".join(bullet.split()), count=1) for bullet in bullets)
            yield f"**{title}**"
            yield "\n".join(f"- {_plain(line)}" for line in said)
        elif block.lstrip().startswith(">>>"):
            yield f"```python\n{textwrap.dedent(block)}\n```"
        else:
            yield _plain(block)


def _scripts_page() -> str:
    from stampbench.bench.window import script

    text = (inspect.getdoc(script) or "").partition("\n\n")
    return f"# Scripts of the window\n\n{_plain(text[0])}\n\n```text\n{text[2]}\n```\n"
