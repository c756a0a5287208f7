"""`darkroom` on the running stack, in a process and a folder as people run it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from darkroom_cli.client import MAX_IN_REQUEST
from darkroom_cli.failures import Exit
from local.stack import Stack
from tests.conftest import ROOT
from tests.integration.users import People, User, eventually

DARKROOM = Path(sys.executable).with_name("darkroom")
PHOTO = (ROOT / "events" / "photo.jpg").read_bytes()


class Shell:
    """Args: env: all that `darkroom` finds there."""

    def __init__(self, stack: Stack, user: User, folder: Path) -> None:
        self.folder = folder
        self.env = {"PATH": os.environ["PATH"], "XDG_STATE_HOME": str(folder / "state")}
        self.env |= {"DARKROOM_URL": stack.url, "DARKROOM_TOKEN": user.token}

    def start(self, *words: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [DARKROOM, *words],
            cwd=self.folder,
            env=self.env,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, *words: str) -> tuple[int, str, str]:
        process = self.start(*words)
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err


@pytest.fixture
def user(people: People) -> User:
    return people.new("cli")


@pytest.fixture
def shell(stack: Stack, user: User, tmp_path: Path) -> Shell:
    return Shell(stack, user, tmp_path)


def test_a_photograph_too_large_for_a_request_is_uploaded(shell: Shell) -> None:
    # What comes after the end of a JPEG is no part of it; Lambda counts it all the same.
    (shell.folder / "large.jpg").write_bytes(PHOTO + bytes(MAX_IN_REQUEST))
    assert shell.run("cut", "large.jpg")[:2] == (Exit.DONE, "large.cutout.png\n")
    with Image.open(shell.folder / "large.jpg") as given, Image.open(shell.folder / "large.cutout.png") as made:
        assert (made.mode, made.size) == ("RGBA", given.size)


def test_what_cannot_be_cut_out_is_told(shell: Shell) -> None:
    (shell.folder / "notes.jpg").write_bytes(b"Dear diary")
    code, _, told = shell.run("cut", "notes.jpg")
    assert (code, "plain text" in told) == (Exit.FAILED, True)


def test_a_picture_that_was_interrupted_is_paid_for_once(shell: Shell, user: User) -> None:
    user.scenario("held", times=1)
    process = shell.start("make", "a fox")
    eventually(user.paid_requests, bool)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    user.release()
    assert process.returncode == Exit.INTERRUPTED
    code, out, told = shell.run("make", "a fox")
    assert (code, out) == (Exit.DONE, "a-fox.jpg\n")
    assert "without paying again" in told
    with Image.open(shell.folder / "a-fox.jpg") as made:
        assert min(made.size) >= 512
    assert len(user.charges()) == 1
    assert sum(receipt["actual_micro_usd"] for receipt in user.receipts()) == sum(user.charges())


def test_a_folder_goes_through_a_recipe_and_nothing_is_spent(shell: Shell) -> None:
    photos = shell.folder / "photos"
    photos.mkdir()
    for name in ("a.jpg", "b.jpg"):
        (photos / name).write_bytes(PHOTO)
    (photos / "broken.png").write_bytes(b"not a picture")
    (shell.folder / "shop.json").write_text(json.dumps([{"op": "crop", "ratio": "1:1"}, {"op": "sepia", "amount": 60}]))
    assert shell.run("recipe", "save", "shop", "shop.json")[0] == Exit.DONE
    code, out, told = shell.run("recipe", "apply", "shop", "photos")
    assert (code, out.strip()) == (Exit.PARTLY, str(shell.folder / "photos-shop"))
    assert "broken.png" in told
    assert "Charged: nothing." in told
    assert sorted(path.name for path in (shell.folder / "photos-shop").iterdir()) == ["a.jpg", "b.jpg"]
    code, out, _ = shell.run("spend", "--by", "op")
    assert (code, "$0.00 for 1 request" in out) == (Exit.DONE, True)
