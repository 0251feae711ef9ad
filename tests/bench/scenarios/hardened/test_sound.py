from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from stampbench.bench.runs.progress import Progress
from stampbench.bench.scenarios.hardened import Settings
from stampbench.bench.scenarios.hardened import sound as hardened_sound
from stampbench.sim.credentials.guard import MemoryGuard
from stampbench.sim.credentials.sound import token

SETTINGS = Settings(stamps=1, taps=2, sound_replay_s=40, sound_receptions=200, sound_recordings=3)


@pytest.fixture
def find(tmp_path):
    """The first trial whose case has these words."""

    def found(words):
        trials = hardened_sound.trials(
            SETTINGS, lambda name: np.random.default_rng([5, len(name)]), tmp_path, Progress()
        )
        return next(trial for trial in trials if words in trial.case)

    return found


def test_guard_that_forgets_is_found_out(monkeypatch, find):
    monkeypatch.setattr(MemoryGuard, "first_use", lambda *_: True)
    assert find("used token replayed").wrong > 10


def test_windows_that_stay_open_are_found_out(monkeypatch, find):
    monkeypatch.setattr(token, "LATE_S", 30.0)
    assert find("by its window alone").wrong > 10


def test_nonce_that_is_not_signed_is_found_out(monkeypatch, find):
    original = token.token_of
    monkeypatch.setattr(token, "token_of", lambda *arguments: original(*arguments[:4]))
    other = find("token of another session")
    assert other.wrong > 0


def test_mac_that_is_not_compared_is_found_out(monkeypatch, find):
    fake = SimpleNamespace(compare_digest=lambda *_: True, digest=token.hmac.digest)
    monkeypatch.setattr(token, "hmac", fake)
    assert find("every single bit").wrong > 0
    assert find("energies of tones").wrong > 10


def test_receiver_that_is_deaf_is_found_out(monkeypatch, find):
    monkeypatch.setattr(hardened_sound, "_heard", lambda *_: [])
    trial = find("waveforms at -12 dB")
    assert trial.wrong == trial.tries == 3
    assert not trial.passed
