"""``stampbench phone``: the browser of any phone reads stamps, in its own px."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from stampbench.bench.cli.defaults import usual
from stampbench.bench.cli.output import end_with_reader
from stampbench.bench.cli.stamp_options import CatalogueFile, Family, SigmaMm, stamp_decoder

if TYPE_CHECKING:
    from stampbench.bench.phone.serving import Phone


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="phone")(phone)


def phone(
    family: Family = None,
    catalogue: CatalogueFile = None,
    sigma_mm: SigmaMm = None,
    presses: Annotated[
        int | None,
        typer.Option(min=1, help="End after so many; until Ctrl-C without it.", show_default=False),
    ] = None,
    px_per_mm: Annotated[
        float | None,
        typer.Option(
            help="CSS px in a millimetre, known within 1 %; found from the presses without it.",
            min=0.1,
            max=100.0,
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Keep all reports of the first phone in a new capture."),
    ] = None,
    lan: Annotated[
        bool,
        typer.Option(
            "--lan", help="Let phones of the local network reach the page, not this computer alone."
        ),
    ] = False,
    https: Annotated[
        bool,
        typer.Option(
            "--https",
            help="With a certificate of its own: the page is a secure context.",
        ),
    ] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="TCP port; 0 lets the system choose.")] = 0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON alone on stdout, a line a press.")
    ] = False,
) -> None:
    """Serve a page that reads stamps: open its address on a phone, and press."""
    import asyncio
    import json
    import sys
    from contextlib import ExitStack

    from stampbench.bench.phone.presses import PER_PX, PhonePress, press_fields
    from stampbench.bench.sources.capture import CaptureHeader, CaptureWriter
    from stampbench.firmware_emulator.errors import InputError
    from stampbench.firmware_emulator.touch import TouchReport
    from stampbench.sim.decoder import Decoder
    from stampbench.sim.decoder.scale import PhoneScale
    from stampbench.sim.decoder.unknown_scale import CSS_PX, ScalePrior

    try:
        from stampbench.bench.phone.serving import PhoneServer
    except ModuleNotFoundError as error:
        raise InputError(f"phone needs {error.name}: pip install 'stampbench[phone]'") from None
    if family is None and catalogue is None:
        family = usual("family") or "p5-60k"
    decoder = stamp_decoder(family, catalogue, sigma_mm)
    if decoder is None:
        raise AssertionError("a family or a catalogue is given")
    if sigma_mm is None:
        decoder = Decoder(decoder.codebook, sigma_mm=min(decoder.sigma_mm, USUAL_SIGMA_MM))
    prior = CSS_PX if px_per_mm is None else ScalePrior(1.0 / px_per_mm, 0.01)
    PhoneScale(decoder, prior).read(decoder.codebook.pads(0) / prior.mm_per_unit)  # kernels are compiled now
    names = getattr(decoder.codebook, "names", None)
    numbers: list[str] = []
    ended = asyncio.Event()
    made = faults = 0
    stack = ExitStack()
    writers: list[CaptureWriter] = []

    def arrived(one: Phone) -> None:
        numbers.append(one.hello.page)
        typer.echo(f"phone {len(numbers)}: {one.hello.title}, {one.hello.touches} touches", err=True)
        if output is not None and not writers:
            width, height = one.hello.width, one.hello.height
            mm_per_px = prior.mm_per_unit
            header = CaptureHeader(
                device=one.hello.title,
                x_min=0,
                x_max=round(PER_PX * width),
                y_min=0,
                y_max=round(PER_PX * height),
                width_mm=round(width * mm_per_px, 3),
                height_mm=round(height * mm_per_px, 3),
            )
            writers.append(stack.enter_context(CaptureWriter(output, header)))

    def reported(one: Phone, report: TouchReport) -> None:
        if writers and one.hello.page == numbers[0]:
            writers[0].report(report)

    def pressed(one: Phone, press: PhonePress) -> None:
        nonlocal made, faults
        made += 1
        faults += bool(press.faults)
        scale = one.presses.scale
        if scale is None:
            return
        fields = press_fields(press, made, scale, decoder.pads_per_stamp)
        if len(numbers) > 1:
            fields["phone"] = numbers.index(one.hello.page) + 1
        typer.echo(json.dumps(fields) if as_json else _line(fields))
        if made == presses:
            ended.set()

    server = PhoneServer(
        lambda: PhoneScale(decoder, prior),
        decoder.pads_per_stamp,
        name_of=str if names is None else lambda code: str(names[code]),
        on_phone=arrived,
        on_report=reported,
        on_press=pressed,
    )

    async def serve() -> None:
        async with server.serving("0.0.0.0" if lan else "127.0.0.1", port, https=https) as url:
            if as_json:
                typer.echo(json.dumps({"url": url}))
            else:
                typer.echo(f"open on the phone: {url}")
                _show_code(url)
            sys.stdout.flush()
            await ended.wait()
            await asyncio.sleep(0.05)

    if presses is None:
        end_with_reader()
    with stack:
        asyncio.run(serve())
    if faults:
        raise typer.Exit(3)


USUAL_SIGMA_MM = 0.2
"""Error of a contact on phones, per axis: jitter, rounding to px, centroid bias and the placing of pads."""


def _line(fields: dict[str, Any]) -> str:
    code = "" if fields["code"] is None else f" {fields['code']}"
    why = f": {fields['why']}" if "why" in fields else ""
    low, high = fields["px_per_mm_interval"]
    return (
        f"press {fields['press']}: {fields['verdict']}{code}{why}; {fields['reports']} reports; "
        f"{fields['px_per_mm']} px/mm ({low} to {high})"
    )


def _show_code(url: str) -> None:
    """Print the address as a QR code."""
    import segno

    segno.make(url, error="l").terminal(compact=True)
