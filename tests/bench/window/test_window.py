from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import pygame
import pytest
from stampbench.bench.window.clocks import VirtualClock
from stampbench.bench.window.session.session import Session
from stampbench.bench.window.window import Window
from stampbench.sim.screen import theme
from stampbench.sim.screen.scene import ObjectKind
from stampbench.sim.screen.sources import SourceKind

if TYPE_CHECKING:
    from stampbench.sim.panel import Profile
    from stampbench.sim.stamps import Family

    from tests.bench.window.conftest import Screen

ADD = 'at = 0.0\nkey = "c"\n[[do]]\nat = 0.02\ntype = "20406\\n"'
"""A stamp in the middle of the glass, 30.8, 54.8 mm."""
PRESS = "at = 0.2\npress = [30.8, 54.8]"


def is_colour(found: tuple[int, int, int], wanted: str, within: int = 12) -> bool:
    colour = pygame.Color(wanted)
    return all(abs(a - b) <= within for a, b in zip(found, (colour.r, colour.g, colour.b), strict=True))


def test_a_typed_code_comes_on_the_glass_and_is_read_while_the_mouse_is_held_on_it(screen: Screen) -> None:
    picture = screen.do(ADD, PRESS, seconds=0.9)
    assert [(reading.verdict, reading.code) for reading in picture.readings] == [("read", 20406)]
    assert picture.explanation.key == "read"
    assert len(picture.contacts) == 5
    picture = screen.do("at = 0.0\nrelease = [30.8, 54.8]", seconds=0.2)
    assert picture.contacts == ()
    assert picture.objects[0].thing.hold.force == 0.0


def test_what_was_read_is_outlined_in_green_and_contacts_are_orange_crosses(screen: Screen) -> None:
    picture = screen.do(ADD, PRESS, seconds=0.9)
    contact = picture.contacts[0]
    x, y = (round(value) for value in screen.window.phone.glass.to_px(contact.x_mm, contact.y_mm))
    assert is_colour(screen.colour_of_pixel((x, y)), theme.CONTACT)
    glass = pygame.surfarray.array3d(pygame.display.get_surface().subsurface(screen.window.phone.glass.rect))
    green = (glass == pygame.Color(theme.READ)[:3]).all(axis=2)
    assert green.sum() > 500


def test_a_drag_moves_without_pressing_and_the_wheel_turns(screen: Screen) -> None:
    drag = "at = 0.2\ndrag = [[30.8, 54.8], [28.0, 40.0]]\nseconds = 0.1"
    picture = screen.do(ADD, drag, "at = 0.4\nwheel = -3", seconds=0.5)
    stamp = picture.objects[0].thing
    assert (stamp.hold.x_mm, stamp.hold.y_mm) == pytest.approx((28.0, 40.0), abs=0.3)
    assert stamp.hold.theta_rad == pytest.approx(math.radians(15.0))
    assert picture.contacts_most == 0


def test_dragging_the_rim_tilts_and_x_levels(screen: Screen) -> None:
    screen.do(ADD, seconds=0.3)
    radius = screen.window.session.picture.objects[0].thing.face_radius_mm
    rim = f"at = 0.1\ndrag = [[{30.8 + radius}, 54.8], [{36.8 + radius}, 54.8]]\nseconds = 0.1"
    stamp = screen.do(rim, seconds=0.3).objects[0].thing
    assert stamp.hold.tilt_x_rad > math.radians(1.0)
    assert stamp.hold.tilt_y_rad == pytest.approx(0.0, abs=0.01)
    assert screen.do('at = 0.1\nkey = "x"').objects[0].thing.hold.tilt_x_rad == 0.0


def test_a_tilted_stamp_is_said_to_miss_pads_in_plain_words(screen: Screen) -> None:
    tilts = [f'at = 0.{20 + 4 * n}\nkey = "d"' for n in range(4)]
    picture = screen.do(ADD, *tilts, "at = 0.4\npress = [30.8, 54.8]", seconds=1.2)
    assert picture.explanation.key in ("pad_missing", "pads_missing")
    assert picture.explanation.values["cause"] == "tilted"
    assert screen.window.desk.explained(picture.explanation).endswith("tilted")


def test_a_stamp_let_go_shows_ghosts_in_brown(screen: Screen) -> None:
    picture = screen.do(ADD, PRESS, 'at = 0.7\nkey = "g"', seconds=0.9)
    assert picture.objects[0].thing.hold.grip == 0.0
    assert picture.deltas is not None
    row, col = divmod(int(picture.deltas.argmin()), picture.panel.cols)
    red, _, blue = screen.colour_at(
        (col + 0.25) * picture.panel.width_mm / picture.panel.cols,
        (row + 0.25) * picture.panel.height_mm / picture.panel.rows,
    )
    assert red > blue + 30


def test_keys_bring_fingers_palm_water_and_coin_and_take_them_away(screen: Screen) -> None:
    picture = screen.do(*(f'at = 0.0{n}\nkey = "{n}"' for n in (1, 2, 3, 4, 5)), seconds=0.1)
    assert [drawn.thing.kind for drawn in picture.objects] == [
        ObjectKind.STAMP,
        ObjectKind.FINGER,
        ObjectKind.PALM,
        ObjectKind.WATER,
        ObjectKind.COIN,
    ]
    assert [thing.selected for thing in picture.objects] == [False, False, False, False, True]
    picture = screen.do('at = 0.0\nkey = "n"', 'at = 0.1\nkey = "delete"', seconds=0.2)
    assert ObjectKind.STAMP not in [drawn.thing.kind for drawn in picture.objects]
    assert screen.do('at = 0.0\nkey = "shift+delete"').objects == ()


def test_the_right_button_opens_a_menu_that_puts_things_down_and_takes_them_away(screen: Screen) -> None:
    menu = "at = 0.0\nclick = [30, 60]\nbutton = 3"
    picture = screen.do(menu, 'at = 0.1\nclick = "item.stamp"', seconds=0.2)
    assert [(drawn.thing.kind, round(drawn.thing.hold.x_mm)) for drawn in picture.objects] == [
        (ObjectKind.STAMP, 30)
    ]
    assert screen.do(menu, 'at = 0.1\nclick = "item.remove"', seconds=0.2).objects == ()
    assert screen.window.dialogs.current is None


def test_a_long_press_on_bare_glass_opens_the_menu_and_a_click_beside_closes_it(screen: Screen) -> None:
    screen.do("at = 0.0\npress = [5, 100]", "at = 0.8\nrelease = [5, 100]", seconds=0.9)
    assert screen.window.dialogs.current is not None
    screen.do("at = 0.0\nclick = [50, 10]", seconds=0.1)
    assert screen.window.dialogs.current is None
    assert len(screen.session.scene) == 0


def test_two_stamps_are_read_at_once(screen: Screen) -> None:
    screen.live.session.arrangement.set_profile("surface-book-2")
    for code, x_mm in ((11, 70.0), (4711, 190.0)):
        key = screen.live.session.arrangement.add_stamp(code, x_mm, 95.0)
        assert key is not False
        screen.live.session.scene.press(key)
    picture = screen.do(seconds=0.4)
    assert {reading.code for reading in picture.readings} == {11, 4711}
    assert picture.contacts_most == 10


def test_a_twist_of_two_fingers_turns_the_selected_stamp(screen: Screen) -> None:
    screen.do(ADD, seconds=0.3)
    width, height = pygame.display.get_window_size()
    glass = screen.window.phone.glass

    def finger(kind: int, number: int, x_mm: float, y_mm: float) -> None:
        x, y = glass.to_px(x_mm, y_mm)
        pygame.event.post(
            pygame.event.Event(kind, touch_id=0, finger_id=number, x=x / width, y=y / height, dx=0.0, dy=0.0)
        )

    finger(pygame.FINGERDOWN, 1, 20.0, 54.8)
    finger(pygame.FINGERDOWN, 2, 40.0, 54.8)
    finger(pygame.FINGERMOTION, 2, 20.0, 74.8)
    screen.do()
    assert screen.session.look().objects[0].thing.hold.theta_rad == pytest.approx(math.pi / 2, abs=0.02)


def test_presets_sliders_and_seed_change_the_condition(screen: Screen) -> None:
    screen.do('at = 0.0\nclick = "preset.wet"', seconds=0.2)
    assert screen.session.setup.preset == "wet"
    assert screen.session.setup.condition.water_drops > 0
    screen.do('at = 0.0\nkey = "ctrl+1"', seconds=0.1)
    assert screen.session.setup.preset == "ordinary"
    charger = screen.window.desk.widgets.named("charger_v")
    assert charger is not None
    end = [charger.rect.right - 2, charger.rect.centery]
    screen.do(f"at = 0.0\nclick = {{px = {end}}}", seconds=0.2)
    assert screen.session.setup.condition.charger_v == 10.0
    assert screen.session.setup.preset == ""
    screen.do('at = 0.0\nkey = "j"', 'at = 0.1\nkey = "end"', 'at = 0.2\ntype = "7\\n"', seconds=0.4)
    assert screen.session.setup.seed == 17


def test_a_wrong_seed_is_a_message_and_the_window_lives_on(screen: Screen) -> None:
    screen.do('at = 0.0\nkey = "j"', 'at = 0.1\ntype = "x\\n"', seconds=0.3)
    assert screen.session.setup.seed == 1
    assert any("whole number" in text for text in screen.window.toasts.texts)
    assert screen.window.open


def test_the_tab_key_goes_from_widget_to_widget_and_space_works_them(screen: Screen) -> None:
    widgets = screen.window.desk.widgets
    usable = [name for name in widgets.names() if widgets.named(name).is_enabled]
    for name in usable:
        widgets.move_focus(1)
        assert widgets.focused_name == name
    screen.do('at = 0.0\nkey = "tab"')
    assert widgets.focused_name == usable[0]
    widgets.focus("preset.let go")
    screen.do('at = 0.0\nkey = "space"', seconds=0.1)
    assert screen.session.setup.preset == "let go"
    widgets.focus("noise")
    before = screen.window.session.setup.condition.noise
    screen.do('at = 0.0\nkey = "right"', seconds=0.1)
    assert screen.session.setup.condition.noise > before
    screen.do('at = 0.0\nkey = "escape"')
    assert widgets.focused_name is None


def test_devices_are_chosen_from_a_list_and_the_glass_takes_their_proportions(screen: Screen) -> None:
    picture = screen.do('at = 0.0\nclick = "device"', 'at = 0.2\nclick = "item.surface-book-2"', seconds=0.5)
    assert picture.panel.name == "surface-book-2"
    glass = screen.window.phone.glass.rect
    assert glass.width / glass.height == pytest.approx(
        picture.panel.width_mm / picture.panel.height_mm, rel=0.02
    )


def test_the_nearest_codes_are_listed_with_their_distances_and_chosen(screen: Screen) -> None:
    screen.do(ADD, 'at = 0.4\nkey = "b"', seconds=0.6)
    code, distance_mm = screen.live.session.arrangement.neighbours(1, 20406)[0]
    assert distance_mm >= screen.window.session.setup.codebook.min_distance_mm - 1e-6
    picture = screen.do(f'at = 0.0\nclick = "item.{code}"', seconds=0.2)
    assert picture.objects[0].thing.code == code


def test_a_stamp_is_drawn_by_dragging_pads_while_the_nearest_other_is_told(screen: Screen) -> None:
    picture = screen.do('at = 0.0\nkey = "m"', seconds=0.2)
    assert screen.session.arrangement.editor is not None
    before = screen.session.arrangement.editor.nearest
    dialog = screen.window.dialogs.current
    assert dialog is not None
    middle = dialog._canvas.rect.center
    x_mm, y_mm = screen.session.arrangement.editor.pads_mm[0]
    place = [round(middle[0] + x_mm * dialog._px_per_mm), round(middle[1] + y_mm * dialog._px_per_mm)]
    to = [place[0] + 20, place[1] + 30]
    picture = screen.do(f"at = 0.0\ndrag = [{{px = {place}}}, {{px = {to}}}]\nseconds = 0.2", seconds=0.4)
    assert screen.session.arrangement.editor is not None
    assert screen.session.arrangement.editor.nearest != before
    picture = screen.do('at = 0.0\nclick = "place_stamp"', seconds=0.2)
    assert screen.session.arrangement.editor is None
    assert [drawn.thing.code for drawn in picture.objects] == [None]


def test_real_touch_counts_the_contacts_and_is_calibrated_by_a_card(screen: Screen) -> None:
    picture = screen.do('at = 0.0\nkey = "f8"', seconds=0.3)
    assert screen.session.source.kind is SourceKind.TOUCH
    dialog = screen.window.dialogs.current
    assert dialog is not None
    corner = list(dialog._card().move(dialog._canvas.rect.topleft).bottomright)
    wider = [corner[0] + 80, corner[1] + 50]
    screen.do(f"at = 0.0\ndrag = [{{px = {corner}}}, {{px = {wider}}}]\nseconds = 0.1", seconds=0.3)
    mm_per_px = dialog.mm_per_px
    assert mm_per_px < 25.4 / 96.0
    picture = screen.do('at = 0.0\nclick = "calibration.ok"', seconds=0.2)
    assert screen.window.phone.glass.px_per_mm == pytest.approx(1.0 / mm_per_px)
    places = [[20.0, 20.0], [35.0, 20.0], [50.0, 35.0]]
    picture = screen.do(f"at = 0.0\nfingers = {places}\nseconds = 2.0", seconds=0.2)
    assert sorted([round(c.x_mm), round(c.y_mm)] for c in picture.contacts) == [[20, 20], [35, 20], [50, 35]]
    assert picture.contacts_most == 3


def test_language_scale_and_size_change_while_a_stamp_is_pressed(screen: Screen) -> None:
    screen.do(ADD, 'at = 0.2\nkey = "space"\nseconds = 9', seconds=0.5)
    screen.do(
        'at = 0.0\nkey = "ctrl+l"', 'at = 0.1\nkey = "ctrl+="', "at = 0.2\nresize = [1280, 800]", seconds=0.5
    )
    picture = screen.session.picture
    assert screen.window.desk.captions.language == "ko"
    assert screen.window.desk.scale == 1.25
    assert pygame.display.get_surface().get_size() == (1280, 800)
    assert picture.readings[0].code == 20406


def test_help_lists_the_keys_and_closes_by_its_own_key(screen: Screen) -> None:
    screen.do('at = 0.0\nkey = "?"', seconds=0.1)
    assert screen.window.dialogs.current is not None
    screen.do('at = 0.0\nkey = "?"', seconds=0.1)
    assert screen.window.dialogs.current is None


def test_a_frozen_moment_stays_as_it_is(screen: Screen) -> None:
    screen.do(ADD, PRESS, 'at = 0.7\nkey = "z"', seconds=0.8)
    before = screen.session.picture
    after = screen.do("at = 0.0\nrelease = [30.8, 54.8]", seconds=0.2)
    assert screen.session.frozen
    assert after.scans == before.scans
    screen.do('at = 0.0\nkey = "z"', seconds=0.5)
    assert not screen.session.frozen


def test_the_same_script_gives_the_same_picture(screen: Screen, family: Family, nexus: Profile) -> None:
    screen.do(ADD, PRESS, seconds=0.8)
    size = pygame.display.get_surface().get_size()
    first = pygame.image.tobytes(pygame.display.get_surface(), "RGB")
    screen.window.close()
    clock = VirtualClock()
    session = Session(family, nexus, clock=clock, seed=1)
    live = dataclasses.replace(screen.live, session=session, clock=clock)
    again = dataclasses.replace(screen, window=Window(session, clock=clock, size=size), live=live)
    again.do(ADD, PRESS, seconds=0.8)
    assert pygame.image.tobytes(pygame.display.get_surface(), "RGB") == first
    again.window.close()


def test_closing_ends_the_loop_at_once(screen: Screen) -> None:
    pygame.event.post(pygame.event.Event(pygame.QUIT))
    screen.window.run()
    assert not screen.window.open


def test_the_code_that_is_shown_can_be_set_again(screen: Screen) -> None:
    picture = screen.do(ADD, 'at = 0.3\nclick = "set_code"', seconds=0.5)
    assert [drawn.thing.code for drawn in picture.objects] == [20406]
    assert [message for message in screen.session.messages if message.level == "error"] == []
