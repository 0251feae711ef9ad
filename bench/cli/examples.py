"""Two uses of each command, which its ``--help`` ends with; the tests read every one as the shell would."""

from __future__ import annotations

from typing import Final

import typer

EXAMPLES: Final[dict[str, tuple[str, str]]] = {
    "beacon listen": ("stampbench beacon listen", "stampbench beacon listen --seconds 60 --json"),
    "bench-off": (
        "stampbench bench-off",
        'stampbench bench-off --process "python sdk.py" --svg bench-off.svg',
    ),
    "campaign": (
        "stampbench campaign quickstart --presses 2000",
        "stampbench campaign quickstart --workers 2 --out runs/many",
    ),
    "capacity": (
        "stampbench capacity --profile nexus-5",
        "stampbench capacity --profile raspberry-pi-7 --family p5-60k --codes codes.csv",
    ),
    "certificate export": (
        "stampbench certificate export lots/031/certificate.jsonl",
        "stampbench certificate export lots/031/certificate.jsonl -o lot-031.csv",
    ),
    "certificate key": (
        "stampbench certificate key station.pem",
        "stampbench certificate key new.pem --json",
    ),
    "certificate verify": (
        "stampbench certificate verify lots/031/certificate.jsonl",
        "stampbench certificate verify lots/031/certificate.pdf --json",
    ),
    "conditions": ("stampbench conditions", "stampbench conditions --measured sweeps/conditions --json"),
    "convert": (
        "stampbench convert press.evemu press.hid --to hid-recorder",
        "stampbench convert getevent.txt press.jsonl --to capture --size-mm 68x121",
    ),
    "decode": (
        "stampbench decode press.evemu --family p5-60k",
        "stampbench decode --source /dev/ttyACM0 --events",
    ),
    "devices": ("stampbench devices", "stampbench devices --port /dev/ttyACM0 --json"),
    "doctor": ("stampbench doctor", "stampbench doctor --json"),
    "enrol": (
        "stampbench enrol press-1.jsonl press-2.jsonl --catalogue stamps.toml --name S001",
        "stampbench enrol --rig /dev/ttyACM0 --catalogue stamps.toml --name S001 --presses 10",
    ),
    "family build": ("stampbench family build p5-600k", "stampbench family build my-family.toml --workers 2"),
    "family check": ("stampbench family check p5-60k", "stampbench family check stamps.toml --pairs 20"),
    "family export": (
        "stampbench family export p5-60k --codes 0-99 -o stamps.csv",
        "stampbench family export p5-60k --avoid codes.csv --best 200 -o stamps.csv",
    ),
    "family show": ("stampbench family show p5-60k", "stampbench family show p5-60k --code 7 -o stamp-7.svg"),
    "history": ("stampbench history runs", "stampbench history runs -o history.html --json"),
    "metrics": (
        "stampbench metrics --profile nexus-5",
        "stampbench metrics tap-test.evemu --size-mm 68x121",
    ),
    "panel compare": (
        "stampbench panel compare nexus-5 frames.npy",
        "stampbench panel compare my-phone.toml frames.csv --json",
    ),
    "panel fit": (
        "stampbench panel fit frames.npy --pitch-mm 4.1 -o my-phone.toml",
        "stampbench panel fit frames.csv --pitch-mm 4.1 --held 100:300 --released 400:600",
    ),
    "panel report": (
        "stampbench panel report --profile nexus-5",
        "stampbench panel report --profile nexus-5 --profile raspberry-pi-7 -o panels.html",
    ),
    "perf": ("stampbench perf decoder", "stampbench perf press --json"),
    "phone": ("stampbench phone", "stampbench phone --lan --https --family p5-60k"),
    "plan check": (
        "stampbench plan check my-plan.toml",
        "stampbench plan check my-plan.toml --set plan.seed=3",
    ),
    "plan copy": ("stampbench plan copy quickstart", "stampbench plan copy quickstart my-plan.toml"),
    "plan evemu": (
        "stampbench plan evemu quickstart presses.evemu",
        "stampbench plan evemu quickstart presses.evemu --profile surface-book-2 --json",
    ),
    "plan list": ("stampbench plan list", "stampbench plan list quickstart"),
    "plan resolve": (
        "stampbench plan resolve quickstart",
        "stampbench plan resolve quickstart --set plan.seed=3",
    ),
    "ports": ("stampbench ports", "stampbench ports --json"),
    "record": (
        "stampbench record /dev/ttyACM0 -o press.jsonl",
        "stampbench record /dev/input/event5 -o press.jsonl --seconds 10",
    ),
    "replay": (
        "stampbench replay runs/a --press 47",
        "stampbench replay runs/a/records.jsonl --press 47 --json",
    ),
    "report": (
        "stampbench report runs/b --baseline runs/a --fail-if-worse",
        "stampbench report runs/b --csv presses.csv",
    ),
    "rig": ("stampbench rig", "stampbench rig --listen tcp --profile surface-book-2"),
    "rig check": ("stampbench rig check /dev/ttyACM0", "stampbench rig check socket://localhost:7000 --json"),
    "rig soak": ("stampbench rig soak", "stampbench rig soak --minutes 10 --seed 3"),
    "robot check": ("stampbench robot check /dev/ttyUSB0", "stampbench robot check /dev/ttyUSB0 --json"),
    "robot emulate": (
        "stampbench robot emulate --setup robot.toml",
        "stampbench robot emulate --speaks marlin --slip-at 30 --slip-mm 0.5",
    ),
    "robot home": ("stampbench robot home /dev/ttyUSB0", "stampbench robot home socket://localhost:7001"),
    "robot jog": (
        "stampbench robot jog /dev/ttyUSB0 --z -10",
        "stampbench robot jog /dev/ttyUSB0 --x -150",
    ),
    "robot register": (
        "stampbench robot register /dev/ttyUSB0 --rig /dev/ttyACM0",
        "stampbench robot register /dev/ttyUSB0 --rig phone:6.01 --json",
    ),
    "robot release": (
        "stampbench robot release /dev/ttyUSB0",
        "stampbench robot release /dev/ttyUSB0 --setup robot.toml",
    ),
    "run": (
        "stampbench run quickstart",
        "stampbench run my-plan.toml --rig /dev/ttyACM0 --set condition.noise=2 --out runs/a",
    ),
    "screen": ("stampbench screen", "stampbench screen --profile raspberry-pi-7 --family p5-60k"),
    "service backup": (
        "stampbench service backup shop.backup --database sqlite:///shop.db",
        "stampbench service backup shop.backup --database postgresql+psycopg:///shop",
    ),
    "service restore": (
        "stampbench service restore shop.backup --database sqlite:///again.db",
        "stampbench service restore shop.backup --database postgresql+psycopg:///again",
    ),
    "service migrate": (
        "stampbench service migrate --database sqlite:///shop.db",
        "stampbench service migrate --database sqlite:///shop.db --json",
    ),
    "service seed": (
        "stampbench service seed --database sqlite:///shop.db",
        "stampbench service seed --database sqlite:///shop.db --members 50",
    ),
    "service serve": (
        "stampbench service serve --database sqlite:///shop.db",
        "stampbench service serve --database sqlite:///shop.db --origin https://shop.example",
    ),
    "sound receive": (
        "stampbench sound receive heard.wav",
        "stampbench sound receive --microphone 10 --protocol fast",
    ),
    "sound send": (
        "stampbench sound send said.wav --text hello",
        "stampbench sound send noisy.wav --text hello --distance-m 3 --noise shop",
    ),
    "sweep": ("stampbench sweep which-family", "stampbench sweep which-family --presses 50 --svg map.svg"),
    "tuio": (
        "stampbench tuio press.evemu --family p5-60k",
        "stampbench tuio --source /dev/input/event5 --to localhost:3333 --protocol 2.0",
    ),
    "validate": (
        "stampbench validate moulded-lot",
        "stampbench validate my-lot.toml --rig a=/dev/ttyACM0 --out lots/031",
    ),
    "watch": ("stampbench watch lots --once", "stampbench watch lots -o charts.svg"),
}
"""By the words of a command."""


def add_examples(app: typer.Typer, words: str = "") -> None:
    """Give every command that has examples the end of its help."""
    for command in app.registered_commands:
        name = command.name or getattr(command.callback, "__name__", "")
        if shown := EXAMPLES.get(f"{words}{name}"):
            command.epilog = "\n\n".join(("Examples:", *shown))
    for group in app.registered_groups:
        if shown := EXAMPLES.get(f"{words}{group.name}"):
            group.epilog = "\n\n".join(("Examples:", *shown))
        if group.typer_instance is not None:
            add_examples(group.typer_instance, f"{words}{group.name or group.typer_instance.info.name} ")
