"""Clients of remove.bg, unmodified but for their one constant, and rembg's own protocol: nothing is charged."""

import base64
from pathlib import Path

import httpx
import pytest
from PIL import Image

from tests.conftest import ROOT
from tests.integration.users import People

PHOTO = ROOT / "events" / "photo.jpg"


def test_removebg_of_pypi(people: People, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = pytest.importorskip("removebg.removebg", reason="SKIPPED: PyPI's removebg is not installed")
    user = people.new("removebg")
    monkeypatch.setattr(module, "API_ENDPOINT", f"{user.stack.url}/v1.0/removebg")
    client = module.RemoveBg(user.token, str(tmp_path / "error.log"))
    # It writes beside the file that it was given.
    (tmp_path / "photo.jpg").write_bytes(PHOTO.read_bytes())
    client.remove_background_from_img_file(str(tmp_path / "photo.jpg"), size="regular")
    encoded = base64.b64encode(PHOTO.read_bytes()).decode()
    client.remove_background_from_base64_img(encoded, new_file_name=str(tmp_path / "b.png"))
    assert not (tmp_path / "error.log").exists() or not (tmp_path / "error.log").read_text()
    for name in ("photo.jpg_no_bg.png", "b.png"):
        with Image.open(tmp_path / name) as picture:
            assert (picture.mode, picture.size) == ("RGBA", (500, 500))
    assert user.charges() == []


def test_what_remove_bg_of_npm_and_rembgs_clients_send(people: People) -> None:
    """Byte by byte what these send: the one hard-codes its host, the others are curl and fetch."""
    user = people.new("rembg")
    with httpx.Client(base_url=user.stack.url, timeout=60) as client:
        headers = {"X-Api-Key": user.token, "Accept": "application/json"}
        files = {"image_file": ("photo.jpg", PHOTO.read_bytes())}
        said = {"size": "regular", "type": "auto", "format": "png", "crop": "true", "scale": "original"}
        answer = client.post("/v1.0/removebg", headers=headers, files=files, data=said)
        assert answer.status_code == 200, answer.text
        assert answer.json()["data"]["result_b64"]
        assert answer.headers["x-credits-charged"] == "0"
        assert client.get("/v1.0/account", headers=headers).json()["data"]["attributes"]["credits"]["total"] == 0
        found = client.post("/api/remove", params={"token": user.token}, files={"file": ("a.jpg", PHOTO.read_bytes())})
        assert found.headers["content-type"] == "image/png"
        assert client.post("/api/remove", files={"file": ("a.jpg", b"x")}).status_code == 401
    assert user.charges() == []
