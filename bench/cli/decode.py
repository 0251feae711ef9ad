"""``stampbench decode``: recordings of touchscreens as contacts, as figures, or as stamps read from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from stampbench.bench.cli.output import end_with_reader
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
    from collections.abc import Iterable

    from stampbench.bench.sources.recording import Recording
    from stampbench.bench.sources.ruler import CoarsePress, GivenRuler
    from stampbench.firmware_emulator.touch import TouchReport
    from stampbench.sim.decoder import Decoder, PressDecision, PressDecoder


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="decode")(decode)


@takes_ruler
def decode(
    files: Annotated[
        list[str] | None,
        typer.Argument(help="Recordings; - is standard input.", metavar="FILE...", show_default=False),
    ] = None,
    source: Source = None,
    speed: Annotated[
        float | None,
        typer.Option(help="With --events, print recordings in time: 2 in half of it.", show_default=False),
    ] = None,
    seconds: Seconds = None,
    frames: Annotated[
        bool, typer.Option("--frames", help="Read stamps from raw frames, where they are sent or recorded.")
    ] = False,
    events: Annotated[bool, typer.Option("--events", help="Print one JSON line per scan.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")] = False,
    family: Family = None,
    catalogue: CatalogueFile = None,
    sigma_mm: SigmaMm = None,
    cancel_limit: Annotated[
        int | None,
        typer.Option(
            help="Contacts beyond which the phone cancels all, such as 5; a rig says it itself.",
            min=1,
            show_default=False,
        ),
    ] = None,
    *,
    given: GivenRuler,
) -> None:
    """Decode recordings: hid-recorder, evemu, libinput record, getevent -lt and our own captures."""
    import sys

    from stampbench.bench.sources.devices import device_recording
    from stampbench.bench.sources.frames import open_frames
    from stampbench.bench.sources.pacing import paced
    from stampbench.bench.sources.recording_formats import open_recording
    from stampbench.firmware_emulator.errors import InputError

    if bool(files) == (source is not None):
        raise InputError("decode: expected recordings, or --source and a port")
    if speed is not None and not events:
        raise InputError("--speed is about the lines of --events; expected both")
    if events and any(option is not None for option in (family, catalogue, sigma_mm)):
        raise InputError("--events prints contacts, not stamps; expected it without options about stamps")
    decoder = None if events else stamp_decoder(family, catalogue, sigma_mm)
    if source is not None:
        end_with_reader()
    if frames and decoder is None:
        raise InputError("--frames looks for stamps; expected --family or --catalogue with it")
    by_frames = decoder if frames else None
    results: list[dict[str, Any]] = []
    failed = False
    inputs = [
        (file, open_recording(file, given) if by_frames is None else open_frames(file, by_frames, given))
        for file in files or ()
    ]
    if source is not None:
        device = device_recording(
            source,
            seconds=seconds,
            given=given,
            frame_decoder=by_frames,
        )
        inputs.append((source, device))
    for name, opened in inputs:
        live = name in (source, "-") or speed is not None
        try:
            if events:
                with opened as recording:
                    timed = recording if speed is None else paced(recording, speed)
                    _print_events(timed, {"file": name} if len(inputs) > 1 else {}, flush=live)
                    _print_notes(name, recording.notes)
            else:
                with opened as recording:
                    if cancel_limit is not None:
                        recording.cancel_limit = cancel_limit
                    result = _summarise(name, recording, decoder, frames=frames)
                results.append(result)
                if not as_json:
                    _print_summary(result)
        except InputError as error:
            if len(inputs) == 1:
                raise
            print(f"stampbench: {error}", file=sys.stderr)  # noqa: T201
            failed = True
    if as_json and not events:
        import json

        typer.echo(json.dumps({"recordings": results}, indent=2))
    if failed:
        raise typer.Exit(InputError.exit_status)


def _print_events(reports: Iterable[TouchReport], head: dict[str, Any], *, flush: bool) -> None:
    import sys

    import msgspec
    from stampbench.bench.sources.recording import contact_fields

    encode = msgspec.json.Encoder().encode
    write = sys.stdout.write
    for report in reports:
        contacts = [contact_fields(contact) for contact in report.down]
        write(encode({**head, "t_us": report.t_us, "contacts": contacts}).decode() + "\n")
        if flush:
            sys.stdout.flush()


def _print_notes(file: str, notes: list[str]) -> None:
    import sys

    for note in notes:
        print(f"stampbench: {file}: {note}", file=sys.stderr)  # noqa: T201


def _summarise(
    file: str,
    recording: Recording,
    decoder: Decoder | None,
    *,
    frames: bool,
) -> dict[str, Any]:
    import dataclasses

    from stampbench.bench.sources.summary import PressReader, SummaryBuilder
    from stampbench.firmware_emulator.touch import TouchReport

    if decoder is not None:
        from stampbench.bench.sources.ruler import press_decoder
        from stampbench.sim.decoder.frame_decoder import bodies_of

    builder = SummaryBuilder()

    def new_press() -> PressDecoder | CoarsePress:
        return press_decoder(cast("Decoder", decoder), recording)

    readers: dict[int, PressReader] = {}
    decisions: list[PressDecision | None] = []
    for report in recording:
        builder.add(report)
        if decoder is not None:
            bodies = bodies_of(report) if frames else {0: report}
            for body in bodies.keys() - readers.keys():
                readers[body] = PressReader(new_press)
            nothing = TouchReport(report.t_us, ())
            decisions += [reader.feed(bodies.get(body, nothing)) for body, reader in readers.items()]
    if decoder is not None:
        decisions += [reader.finish() for reader in readers.values()]
        if recording.width_mm is None:
            range_too = "" if recording.x_max is not None else " and --range WxH"
            recording.notes.append(
                f"no physical size, so no stamp can be read; give it with --size-mm WxH{range_too}"
            )
    ruler = recording.ruler
    if ruler is not None and ruler.coarse:
        recording.notes.append(
            f"the size, {ruler}, is told in whole units per mm; --size-mm WxH settles it"
            + (
                ": a stamp is read only where every size within that error gives the same code"
                if decoder
                else ""
            )
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
        "ruler": None if ruler is None else {"source": ruler.source, "error": round(ruler.error, 5)},
        **dataclasses.asdict(builder.summary()),
        "notes": recording.notes,
    }
    if frames:
        result["input"] = "frames"
    if decoder is not None:
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
        "cancelled": decision.cancelled,
        "explanation": decision.explanation,
    }


def _print_summary(result: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.markup import escape

    def figure(name: str, form: str, unit: str) -> str:
        value = result[name]
        return "unknown" if value is None else f"{value:{form}} {unit}"

    size = "size unknown"
    if result["width_mm"] is not None and result["height_mm"] is not None:
        ruler = result["ruler"]
        size = f"{result['width_mm']:.1f} x {result['height_mm']:.1f} mm by {ruler['source']}"
        if ruler["error"]:
            size += f", off by up to {100 * ruler['error']:.1g} %"
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
        if reading["t_us"] is None:  # no contact had a place in mm: the note says so
            continue
        code = "" if reading["code"] is None else f" {reading['code']}"
        distance = "" if reading["distance_mm"] is None else f", {reading['distance_mm']:.2f} mm off"
        why = f": {reading['explanation']}" if reading["cancelled"] else ""
        console.print(
            f"  press at {reading['t_us'] / 1e6:10.3f} s   {reading['verdict']}{code}{distance}{why}"
        )
