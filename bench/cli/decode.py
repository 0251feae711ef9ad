"""``stampbench decode``: recordings of touchscreens as contacts, as figures, or as stamps read from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.sources.recording import Recording
    from firmware_emulator.touch import TouchReport
    from sim.decoder import PressDecision, PressDecoder


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="decode")(decode)


def decode(
    files: Annotated[
        list[str],
        typer.Argument(help="Recordings; - is standard input.", metavar="FILE...", show_default=False),
    ],
    events: Annotated[bool, typer.Option("--events", help="Print one JSON line per scan.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")] = False,
    family: Annotated[
        str | None, typer.Option(help="Read stamps of this family.", show_default=False)
    ] = None,
    catalogue: Annotated[
        str | None, typer.Option(help="Read the stamps of this catalogue file.", show_default=False)
    ] = None,
    size_mm: Annotated[
        str | None,
        typer.Option(
            metavar="WxH", help="Size of the touch area, where the recording gives none.", show_default=False
        ),
    ] = None,
) -> None:
    """Decode recordings: hid-recorder, evemu, libinput record, getevent -lt and our own captures."""
    import sys

    from firmware_emulator.errors import InputError

    if family is not None and catalogue is not None:
        raise InputError("--family and --catalogue exclude each other; expected one of them")
    if events and (family is not None or catalogue is not None):
        raise InputError("--events prints contacts, not stamps; expected it without --family and --catalogue")
    size = None if size_mm is None else _size(size_mm)
    new_press = _press_decoders(family, catalogue)
    results: list[dict[str, Any]] = []
    failed = False
    for file in files:
        try:
            if events:
                _print_events(file, size, name_file=len(files) > 1)
            else:
                result = _summarise(file, size, new_press)
                results.append(result)
                if not as_json:
                    _print_summary(result)
        except InputError as error:
            if len(files) == 1:
                raise
            print(f"stampbench: {error}", file=sys.stderr)  # noqa: T201
            failed = True
    if as_json and not events:
        import json

        typer.echo(json.dumps({"recordings": results}, indent=2))
    if failed:
        raise typer.Exit(InputError.exit_status)


def _size(text: str) -> tuple[float, float]:
    import math

    from firmware_emulator.errors import InputError

    width, _, height = text.lower().partition("x")
    try:
        size = float(width), float(height)
    except ValueError:
        size = (0.0, 0.0)
    if not all(math.isfinite(side) and side > 0 for side in size):
        raise InputError(f"--size-mm {text}: expected width and height in mm, such as 154x86")
    return size


def _press_decoders(family: str | None, catalogue: str | None) -> Callable[[], PressDecoder] | None:
    if family is None and catalogue is None:
        return None
    from sim.decoder import Decoder, PressDecoder
    from sim.stamps import Catalogue, load_family

    decoder = Decoder(load_family(family) if family is not None else Catalogue.read(str(catalogue)))
    return lambda: PressDecoder(decoder)


def _reports(recording: Recording, size_mm: tuple[float, float] | None) -> Iterator[TouchReport]:
    """The reports, with positions in mm from ``size_mm`` where the recording gives none."""
    from dataclasses import replace

    from firmware_emulator.errors import InputError

    if size_mm is None or recording.width_mm is not None:
        yield from recording
        return
    if None in (recording.x_min, recording.x_max, recording.y_min, recording.y_max):
        raise InputError(
            f"--size-mm: the recording of {recording.device} does not give the range of its coordinates"
        )
    x_min, y_min = recording.x_min or 0, recording.y_min or 0
    x_scale = size_mm[0] / ((recording.x_max or 0) - x_min)
    y_scale = size_mm[1] / ((recording.y_max or 0) - y_min)
    recording.width_mm, recording.height_mm = size_mm
    for report in recording:
        contacts = tuple(
            replace(contact, x_mm=(contact.x - x_min) * x_scale, y_mm=(contact.y - y_min) * y_scale)
            for contact in report.contacts
        )
        yield replace(report, contacts=contacts)


def _print_events(file: str, size_mm: tuple[float, float] | None, *, name_file: bool) -> None:
    import sys

    import msgspec

    from bench.sources.recording_formats import open_recording

    encode = msgspec.json.Encoder().encode
    write = sys.stdout.write
    with open_recording(file) as recording:
        for report in _reports(recording, size_mm):
            scan: dict[str, Any] = {"file": file} if name_file else {}
            scan["t_us"] = report.t_us
            scan["contacts"] = [
                {
                    "id": contact.id,
                    "tip": contact.tip,
                    "x": contact.x,
                    "y": contact.y,
                    "x_mm": None if contact.x_mm is None else round(contact.x_mm, 4),
                    "y_mm": None if contact.y_mm is None else round(contact.y_mm, 4),
                }
                for contact in report.down
            ]
            write(encode(scan).decode() + "\n")
            if file == "-":
                sys.stdout.flush()
        _print_notes(file, recording.notes)


def _print_notes(file: str, notes: list[str]) -> None:
    import sys

    for note in notes:
        print(f"stampbench: {file}: {note}", file=sys.stderr)  # noqa: T201


def _summarise(
    file: str, size_mm: tuple[float, float] | None, new_press: Callable[[], PressDecoder] | None
) -> dict[str, Any]:
    import dataclasses

    from bench.recording_summary import PressReader, SummaryBuilder
    from bench.sources.recording_formats import open_recording

    builder = SummaryBuilder()
    presses = PressReader(new_press) if new_press is not None else None
    decisions: list[PressDecision | None] = []
    with open_recording(file) as recording:
        for report in _reports(recording, size_mm):
            builder.add(report)
            if presses is not None:
                decisions.append(presses.feed(report))
        if presses is not None:
            decisions.append(presses.finish())
            if recording.width_mm is None:
                recording.notes.append(
                    "no physical size, so no stamp can be read; give it with --size-mm WxH"
                )
        _print_notes(file, recording.notes)
        result: dict[str, Any] = {
            "file": file,
            "device": recording.device,
            "format": recording.format,
            "x_max": recording.x_max,
            "y_max": recording.y_max,
            "width_mm": recording.width_mm,
            "height_mm": recording.height_mm,
            **dataclasses.asdict(builder.summary()),
            "notes": recording.notes,
        }
    if presses is not None:
        result["readings"] = [_reading(decision) for decision in decisions if decision is not None]
    return result


def _reading(decision: PressDecision) -> dict[str, Any]:
    reading = decision.reading
    return {
        "t_us": decision.first_contact_us,
        "verdict": str(reading.verdict),
        "code": reading.code,
        "distance_mm": reading.distance_mm,
        "margin_mm": reading.margin_mm,
        "decided_at_us": decision.decided_at_us,
    }


def _print_summary(result: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.markup import escape

    def figure(name: str, form: str, unit: str) -> str:
        value = result[name]
        return "unknown" if value is None else f"{value:{form}} {unit}"

    size = "size unknown"
    if result["width_mm"] is not None and result["height_mm"] is not None:
        size = f"{result['width_mm']:.1f} x {result['height_mm']:.1f} mm"
    console = Console(highlight=False, soft_wrap=True)
    console.print(
        f"[bold]{escape(result['file'])}[/]: {escape(result['device'] or 'unnamed device')}, {size}"
    )
    console.print(f"  format             {result['format']}")
    console.print(f"  scans              {result['scans']} in {result['duration_s']:.1f} s")
    console.print(f"  contacts           {result['touches']}, at most {result['contacts_max']} at once")
    console.print(
        f"  report rate        {figure('report_rate_min_hz', '.1f', 'Hz')} at least, "
        f"{figure('report_rate_median_hz', '.1f', 'Hz')} in the median, per contact"
    )
    console.print(f"  resting jitter     {figure('resting_jitter_mm', '.4f', 'mm')}")
    for reading in result.get("readings", ()):
        code = "" if reading["code"] is None else f" {reading['code']}"
        distance = "" if reading["distance_mm"] is None else f", {reading['distance_mm']:.2f} mm off"
        console.print(f"  press at {reading['t_us'] / 1e6:10.3f} s   {reading['verdict']}{code}{distance}")
