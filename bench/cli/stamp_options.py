"""Options of commands that read a recording or a device, and the stamps on it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

if TYPE_CHECKING:
    from stampbench.bench.sources.ruler import GivenRuler
    from stampbench.sim.decoder import Decoder

Source = Annotated[
    str | None,
    typer.Option(
        metavar="PORT", help="Read a device instead, as stampbench record does.", show_default=False
    ),
]
Seconds = Annotated[
    float | None,
    typer.Option(help="How long to read a device; until Ctrl-C without.", min=0.0, show_default=False),
]
Family = Annotated[
    str | None, typer.Option(help="Read stamps of this family.", show_default="STAMPBENCH_FAMILY, or none")
]
CatalogueFile = Annotated[
    str | None, typer.Option(help="Read the stamps of this catalogue file.", show_default=False)
]
SigmaMm = Annotated[
    float | None,
    typer.Option(
        help="Error of a contact, per axis, that must be survived; without, all that the codebook allows.",
        show_default=False,
    ),
]
SizeMm = Annotated[
    str | None,
    typer.Option(
        metavar="WxH", help="Size of the touch area; wins over what is recorded.", show_default=False
    ),
]
PxPerMm = Annotated[
    float | None,
    typer.Option(help="Instead of a size: coordinate units per mm.", min=0.01, max=1e4, show_default=False),
]
RangeUnits = Annotated[
    str | None,
    typer.Option(
        "--range", metavar="WxH", help="Largest x and y, where the recording tells none.", show_default=False
    ),
]
FlipX = Annotated[bool, typer.Option("--flip-x", help="x counts from the right.")]
FlipY = Annotated[bool, typer.Option("--flip-y", help="y counts from the bottom.")]
SwapXy = Annotated[bool, typer.Option("--swap-xy", help="x and y change places, before they are flipped.")]
Nodes = Annotated[
    str | None,
    typer.Option(
        metavar="ROWSxCOLUMNS",
        help="TX and RX lines of raw frames, where the format does not tell; a Muca board's are 21x12.",
        show_default=False,
    ),
]


def takes_ruler(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say what a device's coordinates mean, for its parameter ``given``.

    The command gets them as one :class:`GivenRuler`.
    """
    hints = get_type_hints(command, localns={"GivenRuler": object}, include_extras=True)
    options = inspect.signature(given_ruler)
    kinds = get_type_hints(given_ruler, localns={"GivenRuler": object}, include_extras=True)
    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(command).parameters.values():
        if parameter.name != "given":
            parameters.append(parameter.replace(annotation=hints[parameter.name]))
            continue
        parameters += [option.replace(annotation=kinds[name]) for name, option in options.parameters.items()]

    @functools.wraps(command)
    def with_options(**values: Any) -> None:
        said = {name: values.pop(name) for name in options.parameters}
        command(given=given_ruler(**said), **values)

    with_options.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    with_options.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return with_options


def given_ruler(
    size_mm: SizeMm = None,
    px_per_mm: PxPerMm = None,
    range_units: RangeUnits = None,
    flip_x: FlipX = False,
    flip_y: FlipY = False,
    swap_xy: SwapXy = False,
    nodes: Nodes = None,
) -> GivenRuler:
    """Return what the options say of a device's coordinates.

    Raises:
        InputError: a size or a range that is none, or two sizes.
    """
    from stampbench.bench.sources.recording import node_counts
    from stampbench.bench.sources.ruler import GivenRuler, two_numbers

    size = None if size_mm is None else two_numbers("--size-mm", size_mm, "154x86")
    units = None if range_units is None else two_numbers("--range", range_units, "4095x4095")
    return GivenRuler(
        size_mm=size,
        units_per_mm=px_per_mm,
        range_units=None if units is None else (round(units[0]), round(units[1])),
        flip_x=flip_x,
        flip_y=flip_y,
        swap_xy=swap_xy,
        nodes=None if nodes is None else node_counts(nodes),
    )


def stamp_decoder(family: str | None, catalogue: str | None, sigma_mm: float | None = None) -> Decoder | None:
    """Return the decoder of the codebook that ``--family`` or ``--catalogue`` names, or that is usual here.

    None: of none.

    Raises:
        InputError: both are named, there is no such codebook, or sigma_mm is none or stands alone.
    """
    from stampbench.bench.cli.defaults import usual
    from stampbench.firmware_emulator.errors import InputError

    if catalogue is None:
        family = family or usual("family")
    if family is not None and catalogue is not None:
        raise InputError("--family and --catalogue exclude each other; expected one of them")
    if family is None and catalogue is None:
        if sigma_mm is not None:
            raise InputError("--sigma-mm is about reading stamps; expected --family or --catalogue with it")
        return None
    from stampbench.sim.decoder import Decoder
    from stampbench.sim.stamps import Catalogue, load_family

    codebook = load_family(family) if family is not None else Catalogue.read(str(catalogue))
    return Decoder(codebook, sigma_mm=sigma_mm)
