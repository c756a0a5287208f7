"""What `make up` does not accept, it says before it starts anything."""

import logging
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from local.ports import listen
from local.up import STOPPING, main

Up = Callable[..., "Ended"]


@dataclass(frozen=True)
class Ended:
    returncode: int
    stderr: str


@pytest.fixture
def up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Up]:
    """Runs it here: starting Python and importing all of it takes most of a second, and each of these ends at once."""
    handlers = {number: signal.getsignal(number) for number in STOPPING}
    level = logging.getLogger("local").level

    def run(*arguments: str, allow: str = "", **environ: str) -> Ended:
        with monkeypatch.context() as patched, listen(0) as taken:
            # So that it ends at once, too, when it accepts what it was given.
            port = str(taken.getsockname()[1])
            patched.setattr(sys, "argv", ["up", "--port", port, "--state", str(tmp_path), *arguments])
            for name, value in {"ALLOW": allow, **environ}.items():
                patched.setenv(name, value)
            try:
                code = main()
            except SystemExit as ended:
                code = int(ended.code or 0)
        return Ended(code, capsys.readouterr().err)

    yield run
    logging.getLogger("local").setLevel(level)
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    "endpoint",
    ["127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:x", "10.0.0.1:80", "localhost:80", ":80"],
)
def test_only_ports_of_this_machine_can_be_allowed(up: Up, endpoint: str) -> None:
    refused = up("--allow", f"127.0.0.1:9000,{endpoint}")
    assert refused.returncode == 2
    assert f"ALLOW has {endpoint!r}, which is not 127.0.0.1 with a port" in refused.stderr


def test_allow_is_also_a_variable(up: Up) -> None:
    assert "ALLOW has 'example.com:80'" in up(allow="example.com:80").stderr


@pytest.mark.parametrize("allow", ["", "127.0.0.1:9000", " 127.0.0.1:9000, 127.0.0.1:9001 ,"])
def test_what_can_be_allowed_is_accepted(up: Up, allow: str) -> None:
    refused = up(allow=allow)
    assert (refused.returncode, "is in use" in refused.stderr) == (1, True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LLM_PROVIDER", "nobody"),
        ("IMAGE_GENERATION_MODEL", "!!! not a model"),
        ("DARKROOM_MAX_COST_PER_DAY", "much"),
        ("OPENROUTER_API_KEY", "sk-or-v1-a b"),
        ("OPENAI_API_KEY", "sk-a b"),
    ],
)
def test_a_variable_that_cannot_be_used_is_named_and_nothing_starts(
    up: Up, tmp_path: Path, name: str, value: str
) -> None:
    refused = up(**{name: value})
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"\n{name}: ")
    assert "sk-" not in refused.stderr
    assert not (tmp_path / "logs").exists()


def test_two_that_do_not_say_the_same_are_both_named(up: Up) -> None:
    refused = up(AI_PROVIDER="openrouter", LLM_PROVIDER="groq")
    assert (refused.returncode, "AI_PROVIDER and LLM_PROVIDER" in refused.stderr) == (1, True)


@pytest.mark.parametrize("url", ["127.0.0.1:8100", "ftp://127.0.0.1", "http://127.0.0.1:8100/api", "http://a b"])
def test_an_upstream_that_is_no_address_is_said(up: Up, tmp_path: Path, url: str) -> None:
    refused = up(UPSTREAM="openrouter", OPENROUTER_URL=url)
    assert (refused.returncode, f"OPENROUTER_URL is {url!r}" in refused.stderr) == (1, True)
    assert list(tmp_path.iterdir()) == [tmp_path / "up.lock"]


def test_each_upstream_has_state_to_itself(up: Up, tmp_path: Path) -> None:
    real = {"UPSTREAM": "openrouter"}
    for environ in (
        {},
        real,
        {**real, "OPENROUTER_URL": "http://127.0.0.1:8100"},
        {"OPENROUTER_API_KEY": "sk-or-v1-1"},
    ):
        assert "is in use" in up(**environ).stderr
    folders = sorted(path.name for path in (tmp_path / "state").iterdir())
    assert folders == ["openrouter", "openrouter-127.0.0.1-8100", "simulated"]


def test_state_of_another_version_is_said_before_anything_starts(up: Up, tmp_path: Path) -> None:
    settings = tmp_path / "state" / "simulated" / "settings.json"
    settings.parent.mkdir(parents=True)
    settings.write_text('{"layout": 0}')
    refused = up()
    assert (refused.returncode, "written by another version of Darkroom (layout 0" in refused.stderr) == (1, True)
    assert settings.read_text() == '{"layout": 0}'
