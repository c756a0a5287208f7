"""Fixtures that every suite shares."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


class SteppingClock:
    """A clock that stands still until it is told to move."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def step(self, by: timedelta) -> None:
        self.now += by


@pytest.fixture
def clock() -> SteppingClock:
    return SteppingClock()


@pytest.fixture(scope="session")
def weights_dir() -> Path:
    """The weights that `make test` fetches before it starts the tests."""
    weights = ROOT / ".local" / "weights"
    if not (weights / "u2netp.onnx").is_file():
        pytest.fail(f"{weights}/u2netp.onnx is not there; `make test` fetches it.")
    return weights


@pytest.fixture(scope="session")
def aws_credentials() -> dict[str, str]:
    """What a client of an emulator is made with; no emulator looks at it."""
    return {"region_name": "us-east-1", "aws_access_key_id": "test", "aws_secret_access_key": "test"}
