from __future__ import annotations

import numpy as np
import pytest
from stampbench.bench.sources.frame_files import read_frames
from stampbench.firmware_emulator.errors import InputError


def muca_line(values):
    return ",".join(map(str, values)) + "\r\n"


def capfingerid_line(values):
    return "14;left;thumb;TAP;-1;1510245496,609117756," + ",".join(map(str, values)) + ",\n"


@pytest.fixture
def frames():
    return np.random.default_rng(1).integers(-250, 250, (4, 27, 15))


@pytest.mark.parametrize("kind", [np.int16, np.uint16, np.float32, np.float64])
def test_numpy_arrays_keep_their_numbers(tmp_path, frames, kind):
    path = tmp_path / "frames"
    with path.open("wb") as file:
        np.save(file, np.abs(frames).astype(kind))
    recorded = read_frames(path)
    assert recorded.format == "npy"
    np.testing.assert_array_equal(recorded.frames, np.abs(frames).astype(kind))


def test_muca_lines_are_rows_of_tx_lines(tmp_path):
    raw = np.random.default_rng(2).integers(9000, 11000, (3, 21, 12))
    path = tmp_path / "capture.log"
    path.write_bytes("".join(muca_line(frame.ravel()) for frame in raw).encode())
    recorded = read_frames(path)
    assert recorded.format == "muca"
    np.testing.assert_array_equal(recorded.frames, raw)


def test_capfingerid_lines(tmp_path, frames):
    path = tmp_path / "matrix"
    path.write_text("".join(capfingerid_line(frame.ravel()) for frame in frames))
    recorded = read_frames(path)
    assert recorded.format == "capfingerid"
    np.testing.assert_array_equal(recorded.frames, frames)


def test_a_real_capfingerid_recording(real):
    recorded = read_frames(real / "capfingerid" / "CapMatrix_P15_index_right.subset.txt")
    assert recorded.frames.shape == (900, 27, 15)
    assert recorded.frames[:, 12:].max() < 300


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\r\n \n", "is empty"),
        (bytes(range(128, 256)), "neither text nor NumPy"),
        (b"hello\n", r":1: 'hello' is no line of a known format"),
        (muca_line(range(252)).encode() + b"1,2,3", r":2: 1 fields, 3 values; is the line cut"),
        (muca_line(["x"] * 252).encode(), r":1: .*'x'"),
        (muca_line([10**30] * 252).encode(), r":1: "),
        (capfingerid_line(range(404)).encode(), r":1: 6 fields, 404 values"),
        (b"\x93NUMPY\x01\x00", "not a whole .npy array"),
    ],
)
def test_what_cannot_be_read_is_named_in_one_line(tmp_path, content, message):
    path = tmp_path / "recording"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        read_frames(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("array", [np.zeros((3, 4)), np.zeros((0, 3, 4)), np.zeros((2, 2, 2), complex)])
def test_arrays_of_another_kind_are_refused(tmp_path, array):
    path = tmp_path / "frames.npy"
    np.save(path, array)
    with pytest.raises(InputError, match="expected numbers of shape"):
        read_frames(path)


def test_a_cut_array_is_refused(tmp_path, frames):
    path = tmp_path / "frames.npy"
    np.save(path, frames)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"not a whole \.npy array"):
        read_frames(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_frames(tmp_path / "none.npy")
