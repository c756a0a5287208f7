"""remove.bg on this machine: credits, an account, and cut-outs that leave what differs from the picture's corner.

Full size takes a credit, a preview (a quarter of a megapixel) a quarter of one; what is asked for beyond the credits
is refused with a 402. Fields are checked as strictly as the real one says that it does.
"""

import base64
import io
import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from PIL import Image, ImageChops, ImageColor

from darkroom.models.generation import GenerationRequest, Reference
from darkroom.models.rates import Rates
from local.providers import _base as base
from local.providers._forms import form_of
from local.providers._server import Request
from local.simulator.delivery import Reply
from local.simulator.mark import marked
from local.simulator.pictures import SKETCH

CREDIT_USD: Final = Decimal("0.20")
_FULL: Final = frozenset({"full", "4k", "auto", "hd", "medium"})
_PREVIEW: Final = frozenset({"preview", "small", "regular"})
_PREVIEW_PIXELS: Final = 250_000
_SIMILAR: Final = 24
_FIELDS: Final = {
    "size": "|".join(sorted(_FULL | _PREVIEW)),
    "type": "auto|person|product|car",
    "type_level": "none|latest|1|2",
    "format": "auto|png|jpg|zip",
    "channels": "rgba|alpha",
    "crop": "true|false",
    "semitransparency": "true|false",
    "crop_margin": r"(\d+(\.\d+)?(px|%)\s*){1,4}",
    "bg_color": r"#?[0-9a-fA-F]{3,8}|[a-z]+",
    "scale": r"\d+%|original",
    "position": r".+",
    "roi": r".+",
}


class Simulator(base.Simulator):
    """Args: bought: the credits that the account begins with."""

    name = "removebg"
    key_prefix = ""
    painter = "removebg"
    quirks = frozenset({"no_picture", "no_foreground", "untold", "not_a_picture"})

    def __init__(
        self, port: int = 0, *, key: str | None = None, detail: int = SKETCH, bought: Decimal = Decimal(100)
    ) -> None:
        super().__init__(port, key=key, detail=detail)
        self._begins_with = self.bought = bought

    @property
    def credits(self) -> Decimal:
        """What is left of them."""
        return self.bought - Decimal(self.invoice()) / 1_000_000 / CREDIT_USD

    def routes(self) -> Sequence[base.Route]:
        return [("POST", r"/v1\.0/removebg", self._remove), ("GET", r"/v1\.0/account", self._account)]

    def key_of(self, request: Request) -> str | None:
        return request.headers.get("x-api-key")

    def error(self, status: int, message: str, **more: Any) -> Reply:
        """Args: more: `code`, `detail`, `headers`."""
        headers = more.pop("headers", None)
        return Reply.of_json({"errors": [{"title": message, **more}]}, status, headers)

    def unauthorised(self) -> Reply:
        return self.error(403, "API Key invalid", code="auth_failed")

    def refusals(self) -> Mapping[str, Reply]:
        limited = {"retry-after": "1", "x-ratelimit-limit": "500", "x-ratelimit-remaining": "0"}
        return {
            "refused": self._unknown_foreground(),
            "busy": self.error(429, "Rate limit exceeded", code="rate_limit_exceeded", headers=limited),
            "no_credits": self._insufficient(),
            "unreadable": self.error(400, "Failed to read image", code="failed_to_read_image"),
        }

    def rates(self, model: str) -> Rates | None:
        return Rates(credit=CREDIT_USD) if model == self.painter else None

    def picture(self, **more: Any) -> GenerationRequest:
        return super().picture(**{"references": (Reference(data=_dot()),), **more})

    def reset(self) -> None:
        super().reset()
        self.bought = self._begins_with

    def _account(self, _request: Request) -> Reply:
        left = {"total": float(self.credits), "subscription": 0, "payg": float(self.credits), "enterprise": 0}
        attributes = {"credits": left, "api": {"free_calls": 50, "sizes": "all"}}
        return Reply.of_json({"data": {"attributes": attributes}})

    def _remove(self, request: Request) -> Reply:
        fields, data = self._sent(request)
        picture = self._opened(data)
        if request.wrong in ("no_picture", "no_foreground") or _subject(picture).getbbox() is None:
            return self._unknown_foreground()
        price = Decimal("0.25") if fields.get("size", "preview") in _PREVIEW else Decimal(1)
        if price > self.credits:
            return self._insufficient()
        cut, media_type = _cut_out(picture, fields)
        self.charge(fields.get("size", "preview"), price * CREDIT_USD)
        return self._given(request, cut, media_type, price)

    def _given(self, request: Request, cut: bytes, media_type: str, price: Decimal) -> Reply:
        with Image.open(io.BytesIO(cut)) as made:
            width, height = made.size
        told = {} if request.wrong == "untold" else {"x-credits-charged": f"{price:f}"}
        headers = {**told, "x-type": "product", "x-width": str(width), "x-height": str(height)}
        if request.wrong == "not_a_picture":
            return Reply(200, b"<html>never</html>", {"content-type": "text/html", **headers})
        if "application/json" in request.headers.get("accept", ""):
            return Reply.of_json({"data": {"result_b64": base64.b64encode(cut).decode()}}, 200, headers)
        return Reply(200, cut, {"content-type": media_type, **headers})

    def _sent(self, request: Request) -> tuple[dict[str, str], bytes]:
        """The fields, and the one picture."""
        if request.headers.get("content-type", "").startswith("application/json"):
            fields = {str(name): str(value) for name, value in json.loads(request.body).items()}
            files = [base64.b64decode(fields.pop("image_file_b64"))] if "image_file_b64" in fields else []
        else:
            fields, sent = form_of(request)
            files = [data for name, data in sent if name == "image_file"]
        if len(files) != 1:
            code = "multiple_sources" if files else "missing_source"
            raise base.Refused(self.error(400, "Please provide exactly one source image", code=code))
        for name, value in fields.items():
            if name not in _FIELDS or not re.fullmatch(_FIELDS[name], value):
                raise base.Refused(self.error(400, f"Invalid {name} parameter given", code=f"invalid_{name}"))
        return fields, files[0]

    def _opened(self, data: bytes) -> Image.Image:
        try:
            picture = Image.open(io.BytesIO(data))
            return picture.convert("RGB")
        except OSError:
            failed = self.error(400, "Failed to read image", code="failed_to_read_image")
            raise base.Refused(failed) from None

    def _unknown_foreground(self) -> Reply:
        detail = "For supported foreground types and examples see https://www.remove.bg/supported-images"
        return self.error(400, "Could not identify foreground in image.", code="unknown_foreground", detail=detail)

    def _insufficient(self) -> Reply:
        return self.error(402, "Insufficient credits", code="insufficient_credits")


def _subject(picture: Image.Image) -> Image.Image:
    """A mask of what differs from the upper left corner."""
    flat = Image.new("RGB", picture.size, picture.getpixel((0, 0)))
    return ImageChops.difference(picture, flat).convert("L").point([0] * _SIMILAR + [255] * (256 - _SIMILAR))


def _cut_out(picture: Image.Image, fields: Mapping[str, str]) -> tuple[bytes, str]:
    """The subject, and its media type."""
    if fields.get("size", "preview") in _PREVIEW and picture.width * picture.height > _PREVIEW_PIXELS:
        scale = (_PREVIEW_PIXELS / (picture.width * picture.height)) ** 0.5
        picture = picture.resize((max(1, int(picture.width * scale)), max(1, int(picture.height * scale))))
    alpha = _subject(picture)
    box = alpha.getbbox() if fields.get("crop") == "true" else None
    cut: Image.Image = alpha if fields.get("channels") == "alpha" else picture
    if cut is picture:
        cut = picture.convert("RGBA")
        cut.putalpha(alpha)
        cut = marked(cut)
        if "bg_color" in fields:
            behind = Image.new("RGBA", cut.size, _colour(fields["bg_color"]))
            cut = Image.alpha_composite(behind, cut)
    cut = cut.crop(box) if box else cut
    return _written(cut, "JPEG" if fields.get("format") == "jpg" else "PNG")


def _colour(text: str) -> tuple[int, ...]:
    is_hex = re.fullmatch(r"[0-9a-fA-F]{3,8}", text) is not None
    return ImageColor.getcolor(f"#{text}" if is_hex else text, "RGBA")  # type: ignore[return-value]


def _written(picture: Image.Image, kind: str) -> tuple[bytes, str]:
    if kind == "JPEG" and picture.mode == "RGBA":
        behind = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(behind, picture).convert("RGB")
    buffer = io.BytesIO()
    picture.save(buffer, kind)
    return buffer.getvalue(), f"image/{kind.lower()}"


def _dot() -> bytes:
    """Something to cut out."""
    picture = Image.new("RGB", (64, 64), "white")
    picture.paste((200, 30, 30), (16, 16, 48, 48))
    return _written(picture, "PNG")[0]
