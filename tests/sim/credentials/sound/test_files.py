from __future__ import annotations

import json
import sys
import wave

import numpy as np
import pytest
import typer
from stampbench.bench.cli import sound
from stampbench.firmware_emulator.errors import InputError, NoHardwareError
from stampbench.sim.credentials.sound import live
from stampbench.sim.credentials.sound.protocols import PROTOCOLS
from stampbench.sim.credentials.sound.receiver import Receiver
from stampbench.sim.credentials.sound.transmitter import waveform
from stampbench.sim.credentials.sound.wav import read_wav, write_wav
from typer.testing import CliRunner

PROTOCOL = PROTOCOLS["fastest"]


@pytest.fixture
def run():
    app = typer.Typer()
    sound.register(app)
    app.callback()(lambda: None)
    return lambda *arguments: CliRunner().invoke(app, ["sound", *map(str, arguments)])


def packets(samples):
    receiver = Receiver(PROTOCOL)
    return [packet.payload for packet in (*receiver.feed(samples), *receiver.finish())]


def test_samples_come_back_as_written(tmp_path):
    samples = waveform(b"stamp", PROTOCOL, 0.5)
    write_wav(tmp_path / "a.wav", samples)
    assert np.abs(read_wav(tmp_path / "a.wav") - samples).max() <= 0.5 / 32768
    write_wav(tmp_path / "loud.wav", np.array([2.0, -2.0]))
    assert read_wav(tmp_path / "loud.wav") == pytest.approx([32767 / 32768, -1.0])


@pytest.mark.parametrize(("width", "rate_hz", "channels"), [(1, 48_000, 1), (3, 44_100, 2), (4, 96_000, 1)])
def test_other_widths_rates_and_channels_are_read(tmp_path, width, rate_hz, channels):
    from scipy.signal import resample_poly

    samples = resample_poly(waveform(b"stamp", PROTOCOL, 0.8).astype(float), rate_hz // 300, 160)
    top = 2.0 ** (8 * width - 1)
    whole = np.clip(np.round(samples * top), -top, top - 1).astype(np.int64)
    if width == 1:
        whole += 128
    data = whole.astype("<i8").view(np.uint8).reshape(-1, 8)[:, :width]
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate_hz)
        file.writeframes(np.repeat(data[:, None], channels, axis=1).tobytes())
    assert packets(read_wav(tmp_path / "a.wav")) == [b"stamp"]


def test_what_is_not_a_sound_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="expected a WAV file"):
        read_wav(tmp_path / "none.wav")
    for content in (b"", b"RIFF", b"no sound at all, but long enough for a header of a file"):
        (tmp_path / "bad.wav").write_bytes(content)
        with pytest.raises(InputError, match="expected a WAV file with PCM"):
            read_wav(tmp_path / "bad.wav")
    with pytest.raises(InputError, match="expected a file that can be written"):
        write_wav(tmp_path / "none" / "a.wav", np.zeros(3))


def test_rates_without_the_band_are_refused(tmp_path):
    with wave.open(str(tmp_path / "slow.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(22_050)
        file.writeframes(bytes(100))
    with pytest.raises(InputError, match="22050 samples a second: expected 40000 at least"):
        read_wav(tmp_path / "slow.wav")


def test_sent_is_received(tmp_path, run):
    path = tmp_path / "a.wav"
    sent = run("send", path, "--text", "하나", "--snr-db", "-3", "--reverberation-s", "0.2", "--json")
    assert sent.exit_code == 0
    assert json.loads(sent.stdout)["payload"] == "하나".encode().hex()
    heard = json.loads(run("receive", path, "--json").stdout)
    assert [packet["text"] for packet in heard["packets"]] == ["하나"]
    assert run("receive", path).stdout.split()[-1] == "하나"


def test_nothing_received_is_a_failure(tmp_path, run):
    path = tmp_path / "a.wav"
    assert run("send", path, "--hex", "00ff", "--protocol", "normal").exit_code == 0
    failed = run("receive", path, "--protocol", "fastest", "--json")
    assert failed.exit_code == 1
    assert json.loads(failed.stdout)["packets"] == []
    assert "00ff" in run("receive", path, "--protocol", "normal").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("send", "a.wav"), "expected a payload"),
        (("send", "--text", "x"), "expected FILE.wav, or --play"),
        (("send", "a.wav", "--hex", "xy"), "expected pairs of hexadecimal digits"),
        (("receive",), "expected either FILE.wav or --microphone"),
    ],
)
def test_unusable_arguments_are_named(run, arguments, message):
    result = run(*arguments)
    assert isinstance(result.exception, InputError)
    assert message in str(result.exception)


def test_no_package_is_missing_hardware(monkeypatch, run):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    assert isinstance(run("receive", "--microphone", "1").exception, NoHardwareError)
    with pytest.raises(NoHardwareError, match=r"stampbench\[audio\]"):
        live.play(np.zeros(10))


class FakeAudio:
    """What sounddevice does, with a packet before the microphone."""

    class PortAudioError(Exception):
        pass

    def __init__(self, samples):
        self.samples, self.played, self.broken = samples, [], False

    def play(self, samples, rate_hz, blocking):
        if self.broken:
            raise self.PortAudioError("no device")
        self.played.append((len(samples), rate_hz, blocking))

    def InputStream(self, *_, **__):  # noqa: N802
        if self.broken:
            raise self.PortAudioError("no device")
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def read(self, count):
        block, self.samples = self.samples[:count], self.samples[count:]
        return np.pad(block, (0, count - len(block)))[:, None].astype(np.float32), False


def test_loudspeaker_and_microphone(monkeypatch, run):
    audio = FakeAudio(np.pad(waveform(b"live", PROTOCOL), 5000))
    monkeypatch.setattr(live, "_audio", lambda: audio)
    assert run("send", "--text", "live", "--play", "--protocol", "fastest").exit_code == 0
    assert audio.played[0][1:] == (48_000, True)
    assert "live" in run("receive", "--microphone", "2", "--protocol", "fastest").stdout
    audio.broken = True
    for arguments in (("send", "--text", "x", "--play"), ("receive", "--microphone", "1")):
        assert isinstance(run(*arguments).exception, NoHardwareError)
