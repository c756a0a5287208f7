"""Where Darkroom is found, and to whom a token is sent."""

import json
import os
from pathlib import Path

import pytest

from darkroom_cli.connection import Connection, find
from darkroom_cli.failures import Failure, Unreachable, WrongUsage

LOCAL = {"url": "http://127.0.0.1:8000", "token": "dk_local"}
ENVIRON = {"DARKROOM_URL": "https://env.example", "DARKROOM_TOKEN": "dk_env"}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / ".local").mkdir()
    (tmp_path / ".local" / "darkroom.json").write_text(json.dumps(LOCAL))
    (tmp_path / "photos" / "new").mkdir(parents=True)
    return tmp_path


def _found(url: str | None, token: str | None, environ: dict[str, str], folder: Path) -> tuple[str, str]:
    found = find(url, token, environ=environ, folders=(folder,))
    return found.url, found.token


@pytest.mark.parametrize("below", [".", "photos", "photos/new"])
def test_the_stack_of_make_up_is_found_from_below_its_folder(checkout: Path, below: str) -> None:
    assert _found(None, None, {}, checkout / below) == (LOCAL["url"], LOCAL["token"])


def test_options_come_before_the_environment_and_that_before_the_file(checkout: Path) -> None:
    assert _found(None, None, ENVIRON, checkout) == ("https://env.example", "dk_env")
    assert _found("https://option.example", "dk_option", ENVIRON, checkout) == ("https://option.example", "dk_option")
    assert _found(None, "dk_option", {}, checkout) == (LOCAL["url"], "dk_option")


@pytest.mark.parametrize("url", ["https://other.example", "http://127.0.0.1:8001", "https://127.0.0.1:8000"])
def test_the_token_of_the_file_is_sent_to_its_own_address_alone(checkout: Path, url: str) -> None:
    with pytest.raises(Unreachable, match="no token"):
        _found(url, None, {}, checkout)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000/", "http://127.0.0.1:8000/v1", " http://127.0.0.1:8000/v1/ "])
def test_an_address_is_taken_with_what_people_copy_along(checkout: Path, url: str) -> None:
    assert _found(url, None, {}, checkout) == (LOCAL["url"], LOCAL["token"])


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://example.org", "https://", "https://me:secret@example.org"])
def test_what_is_no_address_is_refused_without_repeating_it(tmp_path: Path, url: str) -> None:
    with pytest.raises(WrongUsage) as refused:
        _found(url, "dk_x", {}, tmp_path)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("token", ["dk_a b", "dk_a\n", "dk_ä", "x" * 600])
def test_what_is_no_token_is_refused_without_repeating_it(tmp_path: Path, token: str) -> None:
    with pytest.raises(WrongUsage) as refused:
        _found("https://example.org", token, {}, tmp_path)
    assert token not in str(refused.value)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"url": "http://127.0.0.1:8000"}', "\x00"])
def test_a_file_that_is_none_is_as_if_it_were_not_there(checkout: Path, text: str) -> None:
    (checkout / ".local" / "darkroom.json").write_text(text)
    with pytest.raises(Failure, match="make up"):
        _found(None, None, {}, checkout)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file to another user")
def test_a_file_of_another_user_is_not_believed(checkout: Path) -> None:
    os.chown(checkout / ".local" / "darkroom.json", 4321, -1)
    with pytest.raises(Unreachable, match="make up"):
        _found(None, None, {}, checkout / "photos")


def test_a_token_is_not_part_of_what_is_shown() -> None:
    assert "dk_secret" not in repr(Connection("https://example.org", "dk_secret"))
