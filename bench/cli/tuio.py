"""``stampbench tuio``: contacts and stamps of a recording or a device, told to table and toy software."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer
from stampbench.bench.cli.stamp_options import (
    CatalogueFile,
    Family,
    Seconds,
    SigmaMm,
    Source,
    stamp_decoder,
    takes_ruler,
)

if TYPE_CHECKING:
    from stampbench.bench.sources.ruler import GivenRuler


class Version(StrEnum):
    """Versions of TUIO."""

    V1 = "1.1"
    V2 = "2.0"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="tuio")(tuio)


@takes_ruler
def tuio(
    file: Annotated[
        str | None, typer.Argument(help="Recording; - is standard input.", show_default=False)
    ] = None,
    source: Source = None,
    to: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Where to send the datagrams.")
    ] = "127.0.0.1:3333",
    protocol: Annotated[Version, typer.Option(help="Version of TUIO.")] = Version.V1,
    family: Family = None,
    catalogue: CatalogueFile = None,
    sigma_mm: SigmaMm = None,
    speed: Annotated[float, typer.Option(help="Of a recording: 2 plays it in half the time.")] = 1.0,
    seconds: Seconds = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")] = False,
    *,
    given: GivenRuler,
) -> None:
    """Send contacts as cursors and stamps as objects over UDP, in time."""
    import socket
    from contextlib import closing

    from stampbench.bench.sources.devices import device_recording
    from stampbench.bench.sources.pacing import paced
    from stampbench.bench.sources.recording_formats import open_recording
    from stampbench.bench.tuio.follower import CoarseStampFollower, StampFollower
    from stampbench.bench.tuio.messages import Teller, TuioEncoder, TuioVersion
    from stampbench.firmware_emulator.errors import InputError

    if (file is None) == (source is None):
        raise InputError("tuio: expected a recording, or --source and a port")
    address = _address(to)
    decoder = stamp_decoder(family, catalogue, sigma_mm)
    follower: StampFollower | CoarseStampFollower | None = None
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    teller: Teller | None = None
    codes: list[int] = []
    opened = (
        device_recording(
            source,
            seconds=seconds,
            given=given,
            idle=lambda: teller.rest(0.0) if teller is not None else None,
        )
        if source is not None
        else open_recording(file or "", given)
    )
    with opened as recording, closing(udp):
        if None in (recording.x_min, recording.x_max, recording.y_min, recording.y_max):
            raise InputError(
                f"{file or source}: the range of coordinates is not known, which TUIO needs: "
                "expected --range WxH, their largest x and y"
            )
        ruler = recording.ruler
        panel_mm = None if ruler is None else (ruler.width_mm, ruler.height_mm)
        if decoder is not None:
            if ruler is None:
                raise InputError(f"{file or source}: no physical size; give it with --size-mm WxH")
            follower = CoarseStampFollower(decoder, ruler) if ruler.coarse else StampFollower(decoder)
        encoder = TuioEncoder(
            TuioVersion(protocol),
            (recording.x_min or 0, recording.x_max or 0),
            (recording.y_min or 0, recording.y_max or 0),
            panel_mm if follower is not None else None,
        )
        teller = Teller(encoder, lambda datagram: udp.sendto(datagram, address))
        scans = 0
        try:
            for report in recording if source is not None else paced(recording, speed, pause=teller.rest):
                stamps = () if follower is None else follower.feed(report)
                codes.extend(stamp.code for stamp in stamps if stamp.code not in codes)
                teller.tell(report, stamps)
                scans += 1
        finally:
            teller.end()
    sent = {"scans": scans, "datagrams": teller.datagrams}
    if as_json:
        typer.echo(json.dumps(sent | {"codes": codes}))
    else:
        named = f"; stamps {', '.join(map(str, codes))}" if codes else ""
        typer.echo(f"{sent['scans']} scans in {sent['datagrams']} datagrams to {to}{named}")


def _address(text: str) -> tuple[str, int]:
    import socket

    from stampbench.firmware_emulator.errors import InputError

    host, _, port = text.rpartition(":")
    if not (host and port.isdecimal() and 0 < int(port) < 65536):
        raise InputError(f"--to {text}: expected HOST:PORT, such as 127.0.0.1:3333")
    try:
        return socket.gethostbyname(host), int(port)
    except OSError as error:
        raise InputError(f"--to {text}: no host {host!r}: {error}") from None
