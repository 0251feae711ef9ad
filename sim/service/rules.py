"""Every threshold of the service, with where it comes from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Thresholds; sources in brackets, those without one are choices of this twin.

    Attributes:
        sigma_mm: error per axis and pad that matching allows for; smaller lets fewer random patterns in.
        min_distance_mm: stamps nearer than this to another are not enrolled: four sigmas of either along the
            line between them.
        replay_days: how far back the same contacts are taken for a recording.
        scale_tolerance: how far the size of a pattern may be off, relatively; a 5 % copy is refused.
        still_mm, moved_mm: two sets of contacts of one press differ by more than the first (a finger's
            pressure changes them) and less than the second (SnowShoe, US10599831B2: two successive sets).
        token_seconds, offline_hours: how long a token and an offline bundle are good.
        offline_per_day: presses that an offline app read, for a member in a day, before a person looks:
            nothing but the app's word stands behind them.
        skew_seconds: how far a device's clock may be off.
        store_radius_m: how far from its store a stamp may be, beyond twice the accuracy radius of the place.
        speed_kmh, speed_least_m: faster than this over at least that distance is impossible in a city
            (identity services use 250 km/h, Curity, to 1000 km/h, Airlock).
        far_m: beyond this, past what is allowed, one press is enough for an alarm: near enough that a copy
            used 2 km from its store is not missed, far enough that old positions are rare there.
        suspend_sources: addresses (devices, where the address says nothing) from which suspicious presses
            must come before a stamp is suspended: one abuser suspends nothing.
        retain_days: after which a press's device, address and place are forgotten.
        confirm_hours: within which a second suspicious press confirms the first.
        opening_slack_minutes: before opening and after closing.
        burst_presses, burst_minutes: more presses of one stamp in that time are looked at by a person.
        burst_device: more presses of one device in that time are looked at by a person.
        misses_per_device, misses_minutes: unknown patterns from one device at one address after which it must
            wait; what it calls itself at another address is somebody else's affair.
        misses_per_address: the same for all devices at an address together, but for those that are known.
        known_days: within which a device had a press accepted, and is known by it.
        fallback_per_device, fallback_per_store: wrong codes in an hour after which it is closed, for a device
            at an address, and in a store for devices that are not known.
        fallback_points: largest value of a fallback press, in stamps.
        store_number_per_day: presses by store number alone a member may make in a day.
        staff_window_hours, staff_presses: a staff member's own loyalty presses at the own store in that time
            before an alarm.
        staff_device_members: members one device may press for in a day before an alarm.
        freeze_minutes: shortest and longest freeze (12CM point-of-sale interface: 1 to 60 minutes).
        close_enough_m: accuracy radius beyond which a place says nothing.
        beacon_tolerance: windows of a beacon that are taken before and after those that may be on the air.
        beacon_dbm: weakest advertisement that counts as heard beside the stamp.
        challenge_seconds: how long a stamp may take to answer by sound, and the app to hand the answer in.
    """

    sigma_mm: float = 0.2
    min_distance_mm: float = 2.0
    replay_days: int = 30
    scale_tolerance: float = 0.025
    still_mm: float = 1e-6
    moved_mm: float = 1.5
    token_seconds: int = 120
    offline_hours: int = 72
    offline_per_day: int = 2
    skew_seconds: int = 120
    store_radius_m: float = 150.0
    speed_kmh: float = 150.0
    speed_least_m: float = 1000.0
    far_m: float = 1500.0
    confirm_hours: int = 24
    opening_slack_minutes: int = 30
    burst_presses: int = 30
    burst_minutes: int = 10
    burst_device: int = 5
    misses_per_device: int = 10
    misses_minutes: int = 10
    misses_per_address: int = 60
    known_days: int = 90
    suspend_sources: int = 2
    retain_days: int = 400
    fallback_per_device: int = 5
    fallback_per_store: int = 20
    fallback_points: int = 1
    store_number_per_day: int = 1
    staff_window_hours: int = 24
    staff_presses: int = 2
    staff_device_members: int = 3
    freeze_minutes: tuple[int, int] = (1, 60)
    close_enough_m: float = 2000.0
    beacon_tolerance: int = 1
    beacon_dbm: int = -75
    challenge_seconds: int = 30
