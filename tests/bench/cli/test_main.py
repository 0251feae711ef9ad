from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest
from stampbench.bench.cli.defaults import VARIABLES
from stampbench.bench.cli.output import PatientOutput, end_with_reader


def test_interrupt_is_status_2(stampbench, monkeypatch):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("stampbench.bench.plans.plan.Plan.read", interrupted)
    ended = stampbench("plan", "check", "any.toml")
    assert (ended.status, ended.err) == (2, "stampbench: interrupted\n")


@pytest.mark.parametrize("arguments", [["no-such-command"], ["plan", "--no-such-option"]])
def test_wrong_usage_is_one_line_and_status_4(stampbench, arguments):
    ended = stampbench(*arguments)
    assert ended.status == 4
    assert ended.err.startswith("stampbench: No such")
    assert ended.err.count("\n") == 1


def test_without_a_command_it_says_what_to_try(stampbench):
    ended = stampbench()
    assert ended.status == 0
    assert "stampbench run quickstart" in ended.out


class TestReaderThatLeaves:
    """``stampbench ... | head -1``."""

    def output(self, monkeypatch) -> PatientOutput:
        class Gone(io.StringIO):
            def write(self, text: str) -> int:
                raise BrokenPipeError

        return PatientOutput(Gone())

    def test_a_command_that_ends_goes_on_and_keeps_its_own_status(self, monkeypatch):
        output = self.output(monkeypatch)
        assert output.write("the verdict") == len("the verdict")

    def test_a_command_that_prints_for_ever_ends(self, monkeypatch):
        output = self.output(monkeypatch)
        monkeypatch.setattr(sys, "stdout", output)
        end_with_reader()
        with pytest.raises(BrokenPipeError):
            output.write("one more")

    @pytest.mark.skipif(sys.platform == "win32", reason="a shell of POSIX")
    @pytest.mark.parametrize(("arguments", "status"), [("plan list quickstart", 0), ("plan list nowhere", 4)])
    def test_the_status_is_that_of_the_command(self, arguments, status):
        command = Path(sys.executable).with_name("stampbench")
        ended = subprocess.run(
            ["bash", "-c", f"'{command}' {arguments} | head -1; exit ${{PIPESTATUS[0]}}"],
            check=False,
            capture_output=True,
        )
        assert ended.returncode == status
        assert b"Traceback" not in ended.stderr


class TestDefaults:
    """What is usual here, from stampbench.toml or the environment."""

    @pytest.fixture(autouse=True)
    def file(self, monkeypatch, tmp_path):
        monkeypatch.chdir(tmp_path)
        monkeypatch.delenv("STAMPBENCH_DEFAULTS")
        for name in VARIABLES.values():
            monkeypatch.setenv(name, "")  # put back at the end, whatever the command sets
            monkeypatch.delenv(name)
        return tmp_path / "stampbench.toml"

    def test_keys_of_the_file_are_shown_by_doctor(self, file, stampbench):
        file.write_text('[defaults]\nfamily = "p5-600k"\n')
        assert "family = p5-600k" in stampbench("doctor").out

    def test_the_environment_wins_over_the_file(self, file, stampbench, monkeypatch):
        file.write_text('[defaults]\nfamily = "p5-600k"\n')
        monkeypatch.setenv("STAMPBENCH_FAMILY", "p5-60k")
        assert "family = p5-60k" in stampbench("doctor").out

    @pytest.mark.parametrize(
        "text", ['[defaults]\nfamly = "x"\n', "[defaults]\nfamily = 3\n", "[other]\n", "defaults = 1\n", "[["]
    )
    def test_what_the_file_cannot_say_is_refused_with_its_name(self, file, text, stampbench):
        file.write_text(text)
        ended = stampbench("doctor")
        assert ended.status == 4
        assert ended.err.startswith("stampbench: stampbench.toml: ")


def test_a_defect_is_status_3_and_a_line_to_report(stampbench, monkeypatch):
    def broken(*_: object) -> None:
        raise KeyError("\x1b[31mno such thing")

    monkeypatch.setattr("stampbench.bench.plans.plan.Plan.read", broken)
    ended = stampbench("plan", "check", "any.toml")
    assert ended.status == 3
    assert ended.err.startswith("stampbench: defect: KeyError: ")
    assert "please report this line" in ended.err
    assert ended.err.count("\n") == 1
    assert "\x1b" not in ended.err
