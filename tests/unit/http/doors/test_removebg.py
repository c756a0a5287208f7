"""remove.bg's and rembg's doors: every option of theirs does what it says, costs nothing, and errors are theirs."""

import base64
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from PIL import Image

from darkroom.http.error_shapes import removebg_error
from darkroom.http.routes.background_removals import routes
from tests.application import Studio
from tests.events import Context, http_event
from tests.openapi import handled

SIZE = (200, 100)


def photo(size: tuple[int, int] = SIZE) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", size, (200, 40, 40)).save(data, "PNG")
    return data.getvalue()


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def image(self) -> Image.Image:
        return Image.open(io.BytesIO(self.body))

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        (error,) = self.json["errors"]
        assert error["title"]
        return str(error["code"])

    @property
    def subject(self) -> tuple[int, ...]:
        return tuple(int(self.headers[f"x-foreground-{name}"]) for name in ("left", "top", "width", "height"))


class Door:
    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self.token = studio.token("alice")
        self._handle = routes(studio.app).handle

    def send(self, method: str, path: str, *, token: str | None = "", **more: Any) -> Answer:
        event = http_event(method, path, token=self.token if token == "" else token, **more)
        answer = handled(self._handle, event, Context())
        body = answer["body"] or ""
        data = base64.b64decode(body) if answer.get("isBase64Encoded") else body.encode()
        return Answer(answer["statusCode"], {name.lower(): str(v) for name, v in answer["headers"].items()}, data)

    def remove(self, data: bytes | None = None, *, accept: str = "*/*", **options: Any) -> Answer:
        picture = {"image_file_b64": base64.b64encode(data or photo()).decode()}
        return self.send("POST", "/v1.0/removebg", body={**picture, **options}, headers={"accept": accept})


@pytest.fixture
def door(studio: Studio) -> Iterator[Door]:
    """The subject is a disc in the middle of every picture: half as wide and as high as that."""
    yield Door(studio)
    assert studio.charged("alice") == []


class TestRemoveBg:
    def test_the_picture_itself_and_what_is_known_of_it(self, door: Door) -> None:
        answer = door.remove()
        assert (answer.status, answer.headers["content-type"], answer.image.size) == (200, "image/png", SIZE)
        assert answer.headers["x-credits-charged"] == "0"
        assert [answer.headers[f"x-{name}"] for name in ("width", "height", "type")] == ["200", "100", "other"]
        left, top, width, height = answer.subject
        assert (left, top, width, height) == pytest.approx((50, 25, 100, 50), abs=14)
        assert int(answer.headers["x-ratelimit-limit"]) > int(answer.headers["x-ratelimit-remaining"]) >= 0

    def test_json_for_whom_it_is_asked(self, door: Door) -> None:
        found = door.remove(accept="application/json").json["data"]
        assert Image.open(io.BytesIO(base64.b64decode(found["result_b64"]))).size == SIZE
        assert found["foreground_width"] == pytest.approx(100, abs=14)

    def test_a_form_as_the_sdks_send_it(self, door: Door) -> None:
        body = (
            b'--x\r\nContent-Disposition: form-data; name="image_file"; filename="a.png"\r\n\r\n'
            + photo()
            + b'\r\n--x\r\nContent-Disposition: form-data; name="size"\r\n\r\nregular\r\n--x--\r\n'
        )
        answer = door.send("POST", "/v1.0/removebg", body=body, content_type="multipart/form-data; boundary=x")
        assert answer.image.size == SIZE

    @pytest.mark.parametrize(("size", "width"), [("preview", 707), ("medium", 1200), ("hd", 1200)])
    def test_a_size_limits_the_result(self, door: Door, size: str, width: int) -> None:
        assert door.remove(photo((1200, 600)), size=size).image.width == width

    def test_cropped_to_the_subject_with_room(self, door: Door) -> None:
        plain = door.remove(crop="true")
        assert plain.image.size == plain.subject[2:]
        answer = door.remove(crop=True, crop_margin="10px 20px")
        assert answer.image.size == (plain.image.width + 40, plain.image.height + 20)
        assert answer.subject[:2] == (20, 10)

    def test_scaled_and_placed(self, door: Door) -> None:
        answer = door.remove(scale="50%", position="0% 100%")
        left, top, width, height = answer.subject
        assert (left, top + height) == (0, 100)
        assert max(width / 200, height / 100) == pytest.approx(0.5, abs=0.01)
        centered = door.remove(scale="100%").subject
        assert centered[0] + centered[2] / 2 == pytest.approx(100, abs=1)

    def test_outside_the_region_nothing_stays(self, door: Door) -> None:
        left, _, width, _ = door.remove(roi="0% 0% 50% 100%").subject
        # The model has looked at nothing else: it finds its disc in the middle of the region.
        assert left + width / 2 == pytest.approx(50, abs=1)

    def test_a_color_behind_it_makes_a_jpeg(self, door: Door) -> None:
        answer = door.remove(bg_color="00ff00")
        assert answer.headers["content-type"] == "image/jpeg"
        red, green, blue = answer.image.convert("RGB").getpixel((2, 2))  # type: ignore[misc]  # three channels
        assert green > 240
        assert max(red, blue) < 20

    def test_the_mask_alone_and_the_archive(self, door: Door) -> None:
        assert door.remove(channels="alpha").image.mode == "L"
        answer = door.remove(format="zip")
        assert answer.headers["content-type"] == "application/zip"
        archive = zipfile.ZipFile(io.BytesIO(answer.body))
        assert sorted(archive.namelist()) == ["alpha.png", "color.jpg"]
        assert Image.open(archive.open("alpha.png")).size == SIZE

    def test_a_shadow_falls_on_the_ground(self, door: Door) -> None:
        without, with_one = (door.remove(photo((800, 400)), add_shadow=each).image for each in (False, True))
        assert sum(with_one.getchannel("A").histogram()[1:]) > sum(without.getchannel("A").histogram()[1:])

    @pytest.mark.parametrize(
        ("options", "code"),
        [
            ({"size": "huge"}, "invalid_size"),
            ({"format": "gif"}, "invalid_format"),
            ({"channels": "cmyk"}, "invalid_channels"),
            ({"roi": "1 2 3"}, "invalid_roi"),
            ({"roi": "0 0 500px 10px"}, "roi_exceeds_bounds"),
            ({"roi": "50px 50px 50px 60px"}, "roi_region_empty"),
            ({"crop": True, "crop_margin": "600px"}, "invalid_crop_margin"),
            ({"scale": "5%"}, "invalid_scale"),
            ({"position": "left"}, "invalid_position"),
            ({"bg_color": "nocolor"}, "invalid_bg_color"),
            ({"bg_color": "fff", "bg_image_url": "https://a.example/b.png"}, "multiple_bg_sources"),
            ({"image_url": "https://a.example/b.png"}, "multiple_sources"),
            ({"image_file_b64": ""}, "missing_source"),
            ({"image_file_b64": base64.b64encode(b"no picture at all" * 9).decode()}, "invalid_file_type"),
            ({"semitransparency": "perhaps"}, "invalid_semitransparency"),
        ],
    )
    def test_a_refusal_has_its_code(self, door: Door, options: dict[str, Any], code: str) -> None:
        answer = door.remove(**options)
        assert (answer.status, answer.code, answer.headers["content-type"]) == (400, code, "application/json")

    def test_who_has_no_key(self, door: Door) -> None:
        answer = door.send("POST", "/v1.0/removebg", token=None, body={})
        assert (answer.status, answer.json["errors"][0]["title"]) == (403, "Missing API Key")
        body, status = removebg_error({"code": "TOO_MANY_REQUESTS", "status": 429, "detail": "x"})
        assert (status, body["errors"][0]["title"]) == (429, "Rate limit exceeded")

    def test_its_account_and_a_polite_no(self, door: Door) -> None:
        account = door.send("GET", "/v1.0/account").json["data"]["attributes"]
        assert account["credits"]["total"] == 0
        assert account["api"]["free_calls"] > 0
        assert door.send("POST", "/v1.0/improve", body={}).code == "not_supported"


def form(**fields: bytes) -> dict[str, Any]:
    parts = [
        b'--x\r\nContent-Disposition: form-data; name="'
        + name.encode()
        + (b'"; filename="a.png' if name == "file" else b"")
        + b'"\r\n\r\n'
        + value
        for name, value in fields.items()
    ]
    return {"body": b"\r\n".join(parts) + b"\r\n--x--\r\n", "content_type": "multipart/form-data; boundary=x"}


class TestRembg:
    def test_a_file_becomes_a_png(self, door: Door) -> None:
        answer = door.send("POST", "/api/remove", **form(file=photo()))
        assert (answer.status, answer.headers["content-type"], answer.image.size) == (200, "image/png", SIZE)

    @pytest.mark.parametrize("how", ["query", "basic"])
    def test_a_token_comes_where_its_clients_can_put_it(
        self, door: Door, how: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        basic = base64.b64encode(f"x:{door.token}".encode()).decode()
        more: dict[str, Any] = (
            {"query": {"token": door.token}} if how == "query" else {"headers": {"authorization": f"Basic {basic}"}}
        )
        assert door.send("POST", "/api/remove", token=None, **more, **form(file=photo())).status == 200
        assert door.send("POST", "/api/remove", token=None, **form(file=photo())).status == 401
        # Something goes wrong, and the log says so, without the token.
        door.studio.app.remove_background = None  # type: ignore[assignment]
        assert door.send("POST", "/api/remove", token=None, **more, **form(file=photo())).status == 500
        out = capsys.readouterr()
        assert door.token not in out.out + out.err

    def test_its_options(self, door: Door) -> None:
        assert door.send("POST", "/api/remove", **form(file=photo(), om=b"true")).image.mode == "L"
        colored = door.send("POST", "/api/remove", **form(file=photo(), bgc=b"0,255,0,255")).image.convert("RGB")
        assert colored.getpixel((1, 1)) == (0, 255, 0)

    @pytest.mark.parametrize("fields", [{"extras": b'{"a": 1}'}, {"bgc": b"green"}, {"bgc": b"0,0,999"}])
    def test_a_refusal_is_fastapis(self, door: Door, fields: dict[str, bytes]) -> None:
        answer = door.send("POST", "/api/remove", **form(file=photo(), **fields))
        assert answer.status == 400
        assert answer.json["detail"]
        assert answer.headers["content-type"] == "application/json"
