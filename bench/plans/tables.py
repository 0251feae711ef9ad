"""The tables of a plan as TOML has them, and what a case becomes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal, TypeAlias

from msgspec import Meta, Struct

Kind: TypeAlias = Literal["genuine", "foreign"]
_Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._+-]*\Z", max_length=80)]
_Count = Annotated[int, Meta(ge=1, le=10_000_000)]
KeyframeValues: TypeAlias = tuple[int, float, float, float, float, float, float, float]
"""t_us, x_mm, y_mm, theta_rad, force, grip, tilt_x_rad, tilt_y_rad."""
_Presets = dict[_Name, dict[str, Any]]

ANY_STAMP: Final = "*"
"""Stands in ``[duts]`` for the device under test that has no stamp of its own."""


class Header(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The ``[plan]`` table.

    Attributes:
        name: of the plan, in reports and file names.
        description: one or two sentences for the reader of the report.
        scenario: what is tried instead of presses; see :data:`stampbench.bench.scenarios.SCENARIOS`.
        family, catalogue: the codebook of the genuine stamps; exactly one of the two.
        seed: of the run, unless the command line gives another.
        profiles: panels to press on.
        family_wise: hold all limits on whole intervals together to one level, not each by itself.
        bench_faults: share of the presses, 0..1, that faults of the bench may cost before the run is void.
        timeout_s: wall clock after which a run ends as timed out; None: never.
    """

    name: _Name
    profiles: Annotated[list[str], Meta(min_length=1)] = []
    description: str = ""
    scenario: str = ""
    family: str | None = None
    catalogue: str | None = None
    seed: Annotated[int, Meta(ge=0, le=2**53)] = 0
    family_wise: bool = False
    bench_faults: Annotated[float, Meta(ge=0.0, le=1.0)] = 0.0
    timeout_s: Annotated[float, Meta(gt=0.0)] | None = None


class DecoderSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The ``[decoder]`` table.

    Attributes:
        sigma_mm: error per axis and pad that a genuine stamp may have; None: all that the codebook's minimum
            distance allows, at which foreign stamps are read most often, too.
        input: what stamps are read from: the controller's contacts, or raw frames of a rig that sends them.
    """

    sigma_mm: Annotated[float, Meta(gt=0.0, le=10.0)] | None = None
    input: Literal["contacts", "frames"] = "contacts"


class RigSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The ``[rig]`` table.

    Attributes:
        faults: what befalls the line of a rig in software, see ``Faults``.
            A rig on a port has its own.
    """

    faults: dict[str, Any] = {}


class DutAnswer(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The ``[dut.answer]`` table: how a device under test that is no process says what it read; one of five.

    Attributes:
        selector: the text of the element that this CSS selector finds, when it changes.
        expression: what this JavaScript expression is, when it changes to something.
        event: ``detail`` of the DOM events of this name.
        http: a call of the address that stands for ``{answer}``, with ``?code=`` or JSON.
        logcat: a regular expression that a line of the phone's log matches.
        pattern: that texts must match, others are passed over; the first group, or all, is the answer.
        none: what it says where it reads no stamp.
    """

    selector: str = ""
    expression: str = ""
    event: str = ""
    http: bool = False
    logcat: str = ""
    pattern: str = ""
    none: list[str] = []

    @property
    def given(self) -> tuple[str, ...]:
        """The ways that are given; a plan gives one."""
        ways = ("selector", "expression", "event", "http", "logcat")
        return tuple(way for way in ways if getattr(self, way))


class DutBetween(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The ``[dut.between]`` table: what brings the app back ahead of each press; a page is loaded anew.

    Attributes:
        tap: a tap at this place instead, mm.
        expression: this JavaScript instead.
        intent: arguments of ``am start`` on the phone; ``{answer}`` is filled in here, too.
        command: a program of this machine with its arguments, which ends; ``{answer}`` is filled in.
        nothing: the app comes back by itself.
        until: JavaScript that is true once a page is ready for a stamp.
        wait_s: time to let pass then.
    """

    tap: tuple[float, float] | None = None
    expression: str = ""
    intent: str = ""
    command: list[str] = []
    nothing: bool = False
    until: str = ""
    wait_s: Annotated[float, Meta(ge=0.0, le=60.0)] = 0.0

    @property
    def given(self) -> tuple[str, ...]:
        """The steps that are given; none means that a page is loaded anew."""
        steps = ("tap", "expression", "intent", "command", "nothing")
        return tuple(step for step in steps if getattr(self, step))

    @property
    def reload(self) -> bool:
        """Whether a page is loaded anew."""
        return not self.given


class DutSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The ``[dut]`` table: the reports of each press go into this, and its own answer is judged.

    Attributes:
        kind: "process": a recogniser as a child process, see :mod:`stampbench.bench.dut.process`; "python":
            one as a function, see :mod:`stampbench.bench.dut.python`; "browser": a page in Chromium, see
            :mod:`stampbench.bench.dut.browser`; "android-hid", "android-uinput": a touchscreen that a phone
            makes, see :mod:`stampbench.bench.dut.android`; "uinput": one that this Linux machine makes;
            "gadget": this machine as a USB touchscreen, see :mod:`stampbench.bench.dut.hid`.
        command: that starts the process.
        recogniser: name of the function among the entry points ``stampbench.recognisers``.
        path: of the gadget.
        contacts: that a HID touchscreen tells at once.
        url: of the page; ``{answer}`` in it becomes the address that the page tells its answer.
        px_per_mm: CSS pixels per mm; None: by the profile.
        serial: of the phone, by adb; "": a browser here.
        answer, between: how it answers, and what brings it back ahead of each press.
        timeout_s: time for its answer after the last report; without one in time, nothing was read.
        late_ms: a report that goes out later than this, where reports are sent when they are due, makes its
            press an error.
        codes: codes by the names that it gives the stamps; empty: its answer is the code itself.
    """

    kind: Literal["process", "python", "browser", "android-hid", "android-uinput", "uinput", "gadget"]
    command: list[str] = []
    recogniser: str = ""
    path: str = "/dev/hidg0"
    contacts: Literal[5, 10] = 10
    url: str = ""
    px_per_mm: Annotated[float, Meta(ge=1.0, le=100.0)] | None = None
    serial: str = ""
    answer: DutAnswer = DutAnswer()
    between: DutBetween = DutBetween()
    timeout_s: Annotated[float, Meta(gt=0.0, le=600.0)] = 5.0
    late_ms: Annotated[float, Meta(gt=0.0, le=1000.0)] = 5.0
    codes: dict[str, Annotated[int, Meta(ge=0)]] = {}


class CaseTable(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One ``[[cases]]`` table: presses of one kind, under one condition or each of several.

    Attributes:
        name: of the case, in limits, records and reports.
        kind: ``genuine`` stamps must be read as their code, ``foreign`` objects must not be read.
        stamps: "random", or a list: codes or catalogue names (genuine), object names (foreign). A list is
            gone through press by press; the seed that ``fingers/5`` or ``random-stamp`` leaves open is drawn.
        presses: how many, on each profile and in each combination of condition and handling.
        presses_per_stamp: instead of ``presses``: of each stamp of the list.
        conditions, handlings: names of presets; the case is made once for each combination.
        condition, handling: settings of the panel and of the hand, on top of the presets and the plan's own.
        prompt: what an operator is told where the rig cannot press, one step or several; ``{object}`` and
            ``{number}`` are filled in.
        keyframes: of the hand, as records have them, for a case that is one given press; empty: the handling
            draws them.
        noise_seed: of the panel in the first press, one more in each further one; None: drawn.
    """

    name: _Name
    kind: Kind
    stamps: Literal["random"] | Annotated[list[int | str], Meta(min_length=1)] = "random"
    presses: _Count | None = None
    presses_per_stamp: _Count | None = None
    conditions: list[str] = []
    handlings: list[str] = []
    condition: dict[str, Any] = {}
    handling: dict[str, Any] = {}
    prompt: str | list[str] = []
    keyframes: list[KeyframeValues] = []
    noise_seed: Annotated[int, Meta(ge=0, lt=2**53)] | None = None


class Limit(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One ``[[limits]]`` table: the range one measurement must keep.

    Attributes:
        measurement: its name; see :data:`stampbench.bench.judging.measurements.MEASUREMENTS`.
        case: whose presses count, with all its conditions and handlings or, as "held @ charger", in one of
            them; None: all cases that the measurement applies to, together.
        profile: whose presses count; None: each profile on its own.
        min, max: the range, in ``unit``, ends included.
        marginal_min, marginal_max: inside the limit but outside these, the result is "marginal": it passes,
            and is marked.
        unit: of the numbers; None: the measurement's own.
        confident: True holds the whole confidence interval against the limit, not the estimate alone.
        good: what a good stamp has, for a run until confident, which tells it from ``max``; None: see
            :mod:`stampbench.bench.judging.early_stops`.
    """

    measurement: str
    case: str | None = None
    profile: str | None = None
    min: float | None = None
    max: float | None = None
    marginal_min: float | None = None
    marginal_max: float | None = None
    unit: str | None = None
    confident: bool = False
    good: float | None = None


class Document(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A whole plan; one that names a scenario has its settings, and nothing that is pressed."""

    plan: Header
    cases: Annotated[list[CaseTable], Meta(min_length=1)] = []
    settings: dict[str, Any] = {}
    limits: list[Limit] = []
    decoder: DecoderSettings = DecoderSettings()
    rig: RigSettings = RigSettings()
    condition: dict[str, Any] = {}
    handling: dict[str, Any] = {}
    conditions: _Presets = {}
    handlings: _Presets = {}
    duts: dict[str, Annotated[str, Meta(min_length=1)]] = {}
    dut: DutSettings | None = None


KNOWN_KEYS: Final = {
    "": Document.__struct_fields__,
    "plan": Header.__struct_fields__,
    "decoder": DecoderSettings.__struct_fields__,
    "rig": RigSettings.__struct_fields__,
    "dut": DutSettings.__struct_fields__,
    "dut.answer": DutAnswer.__struct_fields__,
    "dut.between": DutBetween.__struct_fields__,
    "cases": CaseTable.__struct_fields__,
    "limits": Limit.__struct_fields__,
}
"""Known keys of each table."""


class Case(Struct, frozen=True, kw_only=True):
    """One cell of the matrix but for the profile: presses of one kind under one condition.

    Attributes:
        name: of the case, with its presets, as in "held @ charger, sliding".
        group: the case as it is written; "" if it is not of a file.
        presses: how many, on each profile.
        condition, handling: of presets and case, to be laid on the plan's own.
        prompts: steps for an operator.
        keyframes, noise_seed: of a given press.
    """

    name: str
    group: str = ""
    kind: Kind
    presses: int
    stamps: Literal["random"] | Sequence[int | str] = "random"
    condition: dict[str, Any] = {}
    handling: dict[str, Any] = {}
    prompts: tuple[str, ...] = ()
    keyframes: Sequence[KeyframeValues] = ()
    noise_seed: int | None = None
