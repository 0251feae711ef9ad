"""A press as the link carries it: in whole microseconds, micrometres, microradians and thousandths."""

from __future__ import annotations

from stampbench.firmware_emulator.link.commands import PressCommand, WireKeyframe
from stampbench.sim.press import Keyframe, Press


def press_command(press: Press, seed: int) -> PressCommand:
    """Return the command that asks a rig for ``press``, rounded to the link's units.

    Args:
        press: what to press, and how.
        seed: 0 to 2^64 - 1; a simulated rig draws its noise from it.
    """
    return PressCommand(
        seed,
        press.object,
        tuple(
            WireKeyframe(
                t_us=round(keyframe.t_us),
                x_um=round(keyframe.x_mm * 1e3),
                y_um=round(keyframe.y_mm * 1e3),
                theta_urad=round(keyframe.theta_rad * 1e6),
                force_permille=round(keyframe.force * 1e3),
                grip_permille=round(keyframe.grip * 1e3),
                tilt_x_urad=round(keyframe.tilt_x_rad * 1e6),
                tilt_y_urad=round(keyframe.tilt_y_rad * 1e6),
            )
            for keyframe in press.keyframes
        ),
    )


def press_of_command(command: PressCommand) -> Press:
    """Return the press that a command asks for."""
    return Press(
        command.object_name,
        tuple(
            Keyframe(
                t_us=keyframe.t_us,
                x_mm=keyframe.x_um / 1e3,
                y_mm=keyframe.y_um / 1e3,
                theta_rad=keyframe.theta_urad / 1e6,
                force=keyframe.force_permille / 1e3,
                grip=keyframe.grip_permille / 1e3,
                tilt_x_rad=keyframe.tilt_x_urad / 1e6,
                tilt_y_rad=keyframe.tilt_y_urad / 1e6,
            )
            for keyframe in command.keyframes
        ),
    )


def on_the_wire(press: Press) -> Press:
    """Return ``press`` as the rig will carry it out; what is recorded as the truth."""
    return press_of_command(press_command(press, seed=0))
