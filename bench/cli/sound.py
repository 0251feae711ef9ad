"""``stampbench sound``: near-ultrasound packets to and from sound files, loudspeaker and microphone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from stampbench.firmware_emulator.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import numpy.typing as npt
    from stampbench.sim.credentials.sound.receiver import Packet

commands = typer.Typer(no_args_is_help=True, help="Send and receive near-ultrasound, as ggwave does.")

_Protocol = Annotated[str, typer.Option(metavar="NAME", help="normal, fast or fastest; both sides the same.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(commands, name="sound")


@commands.command()
def send(
    file: Annotated[
        Path | None, typer.Argument(help="WAV file to write.", metavar="FILE.wav", show_default=False)
    ] = None,
    text: Annotated[str | None, typer.Option(help="Payload as text.", show_default=False)] = None,
    hexadecimal: Annotated[
        str | None, typer.Option("--hex", help="Payload as hexadecimal digits.", show_default=False)
    ] = None,
    protocol: _Protocol = "fast",
    volume: Annotated[float, typer.Option(help="0 to 1.")] = 0.1,
    play: Annotated[bool, typer.Option("--play", help="Sound it with the loudspeaker.")] = False,
    distance_m: Annotated[float, typer.Option(help="Through the air of a room, this far.")] = 0.1,
    snr_db: Annotated[
        float | None, typer.Option(help="With noise, so far below the packet.", show_default=False)
    ] = None,
    noise: Annotated[str, typer.Option(metavar="KIND", help="white or shop.")] = "white",
    reverberation_s: Annotated[float, typer.Option(help="With echoes that last so long.")] = 0.0,
    skew_ppm: Annotated[float, typer.Option(help="By which the sender's clock is fast.")] = 0.0,
    seed: Annotated[int, typer.Option(help="Of noise and echoes.")] = 1,
    as_json: _Json = False,
) -> None:
    """Write a payload of 1 to 140 bytes as sound, clear or as a microphone would hear it."""
    import math
    from typing import cast

    import numpy as np
    from stampbench.sim.credentials.sound.channel import Channel, Noise
    from stampbench.sim.credentials.sound.protocols import SAMPLE_RATE_HZ, protocol_named
    from stampbench.sim.credentials.sound.transmitter import waveform

    if file is None and not play:
        raise InputError("sound send: expected FILE.wav, or --play")
    payload = _payload(text, hexadecimal)
    samples = waveform(payload, protocol_named(protocol), volume)
    channel = Channel(
        distance_m=distance_m,
        snr_db=math.inf if snr_db is None else snr_db,
        noise=cast("Noise", noise),
        reverberation_s=reverberation_s,
        skew_ppm=skew_ppm,
    )
    if channel != Channel():
        samples = channel.carry(samples, np.random.default_rng(seed)).astype(np.float32)
    if file is not None:
        from stampbench.sim.credentials.sound.wav import write_wav

        write_wav(file, samples)
    if play:
        from stampbench.sim.credentials.sound.live import play as sound

        sound(samples)
    seconds = len(samples) / SAMPLE_RATE_HZ
    if as_json:
        name = None if file is None else str(file)
        report = {"file": name, "payload": payload.hex(), "protocol": protocol, "seconds": seconds}
        typer.echo(json.dumps(report, indent=2))
    else:
        typer.echo(f"{file or 'loudspeaker'}: {len(payload)} bytes, protocol {protocol}, {seconds:.2f} s")


@commands.command()
def receive(
    file: Annotated[
        Path | None, typer.Argument(help="WAV file to read.", metavar="FILE.wav", show_default=False)
    ] = None,
    protocol: _Protocol = "fast",
    microphone_s: Annotated[
        float | None,
        typer.Option(
            "--microphone", metavar="SECONDS", help="Listen to the microphone instead.", show_default=False
        ),
    ] = None,
    as_json: _Json = False,
) -> None:
    """Print the payloads in a sound file, or heard by the microphone; exit status 1 if there is none."""
    from stampbench.sim.credentials.sound.protocols import protocol_named
    from stampbench.sim.credentials.sound.receiver import Receiver

    if (file is None) == (microphone_s is None):
        raise InputError("sound receive: expected either FILE.wav or --microphone and seconds")
    receiver = Receiver(protocol_named(protocol))
    found: list[Packet] = []
    for block in _blocks(file, microphone_s):
        for packet in receiver.feed(block):
            found.append(packet)
            if not as_json:
                _print(packet)
    for packet in receiver.finish():
        found.append(packet)
        if not as_json:
            _print(packet)
    if as_json:
        packets = [
            {
                "payload": packet.payload.hex(),
                "text": _as_text(packet.payload),
                "start_s": packet.start_s,
                "end_s": packet.end_s,
                "share": packet.share,
                "skew_ppm": packet.skew_ppm,
            }
            for packet in found
        ]
        typer.echo(json.dumps({"protocol": protocol, "packets": packets}, indent=2))
    elif not found:
        typer.echo(f"no packet of protocol {protocol}", err=True)
    if not found:
        raise typer.Exit(1)


def _payload(text: str | None, hexadecimal: str | None) -> bytes:
    if (text is None) == (hexadecimal is None):
        raise InputError("sound send: expected a payload, by --text or by --hex")
    if text is not None:
        return text.encode()
    try:
        return bytes.fromhex(hexadecimal or "")
    except ValueError:
        raise InputError(f"--hex {hexadecimal}: expected pairs of hexadecimal digits") from None


def _blocks(file: Path | None, microphone_s: float | None) -> Iterator[npt.NDArray[np.floating]]:
    if file is not None:
        from stampbench.sim.credentials.sound.wav import read_wav

        yield read_wav(file)
    else:
        from stampbench.sim.credentials.sound.live import listen

        yield from listen(microphone_s or 0.0)


def _as_text(payload: bytes) -> str | None:
    try:
        return payload.decode()
    except UnicodeDecodeError:
        return None


def _print(packet: Packet) -> None:
    text = _as_text(packet.payload)
    shown = (
        packet.payload.hex() if text is None or not text.isprintable() else f"{packet.payload.hex()}  {text}"
    )
    typer.echo(f"{packet.start_s:8.2f} s  {shown}")
