"""remove.bg's API over our own cut-out: its options, sizes, formats and headers. It costs nothing.

https://www.remove.bg/api. Errors get its form at the edge (`http/error_shapes.py`), by the field at fault.
"""

import base64
import io
import re
from collections.abc import Mapping
from typing import Any, Final

from aws_lambda_powertools.event_handler import Response
from PIL import Image

from darkroom.application import Application
from darkroom.errors import InvalidParameter, NoForeground, PayloadTooLarge, ServiceUnavailable
from darkroom.http.app import Api, answered, json_response, see_other, validated
from darkroom.http.schemas.removebg import IMPROVE, REMOVE_BG, SHOW_REMOVE_BG_ACCOUNT, RemoveBgAccount
from darkroom.images.arrange import Arrangement, arrange
from darkroom.images.colour import Painter, paint_picture, parse_colour
from darkroom.images.decode import decode
from darkroom.images.encode import Dpi, encode
from darkroom.models.cutout import Cutout
from darkroom.models.cutout_request import CutoutRequest
from darkroom.models.deadline import Deadline
from darkroom.models.source import ImageSource
from darkroom.models.subject import Box, Length
from darkroom.services.pricing.answer_sizes import MAX_INLINE_BYTES

_MEGAPIXEL: Final = 1_000_000
_SIZES: Final = {
    **dict.fromkeys(("preview", "small", "regular"), 250_000),
    "medium": 1_500_000,
    "hd": 4_000_000,
    **dict.fromkeys(("full", "4k", "original", "auto", "50mp"), 25 * _MEGAPIXEL),
}
_PNG_PIXELS: Final = 10 * _MEGAPIXEL
_FORMATS: Final = {"auto": "auto", "png": "png", "jpg": "jpeg", "jpeg": "jpeg", "webp": "webp", "zip": "zip"}
_TYPES: Final = ("person", "product", "animal", "car", "transportation", "graphics", "other")
_LENGTH: Final = re.compile(r"(\d{1,5}(?:\.\d{1,3})?)(px|%)?", re.ASCII)
_HEX: Final = re.compile(r"#?([0-9a-fA-F]{3,4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})")
_MOST_PERCENT, _MOST_PIXELS = 50, 500
_SOURCES: Final = ("image_file", "image_file_b64", "image_url")
_BEHIND: Final = ("bg_color", "bg_image_url", "bg_image_file")
_SWITCHES: Final = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_FOR_THE_REST: Final = 6.0
_FREE: Final = {"x-credits-charged": "0"}


def removebg_routes(api: Api, app: Application) -> None:
    @api.serve(REMOVE_BG)
    def remove_bg() -> Response[Any]:
        return _removed(api, app)

    @api.serve(SHOW_REMOVE_BG_ACCOUNT)
    def show_account() -> Response[Any]:
        none = dict.fromkeys(("total", "subscription", "payg", "enterprise"), 0)
        left = int(_rate(api).get("x-ratelimit-remaining", "0"))
        attributes = {"credits": none, "api": {"free_calls": left, "sizes": "all"}}
        return answered(RemoveBgAccount(data={"attributes": attributes}))

    @api.serve(IMPROVE)
    def improve() -> Response[Any]:
        told = {"title": "Pictures are not collected here, so none can be handed in.", "code": "not_supported"}
        return json_response({"errors": [told]}, 400)


def _removed(api: Api, app: Application) -> Response[Any]:
    given = {name: value for name, value in api.request.body.items() if value not in (None, "", b"")}
    image_format = _choice(given, "format", _FORMATS, "auto")
    channels = _choice(given, "channels", {"rgba": "rgba", "alpha": "alpha"}, "rgba")
    wanted, region = _arrangement(given, image_format), _lengths(given, "roi", (4,))
    behind = _behind(api, app, given)
    made = _cut_out(api, app, given, region)
    picture = Image.open(io.BytesIO(made.data)).convert("RGBA")
    if any(side.of(picture.size[place % 2]) > picture.size[place % 2] for place, side in enumerate(region)):
        raise _outside()
    arranged, box = arrange(picture, wanted)
    if box is None:
        raise NoForeground("There is no foreground left in the picture.", fix="Choose another region or picture.")
    facts = picture.info.get("icc_profile"), picture.info.get("dpi")
    data, media_type = _file(arranged, behind, image_format, channels, facts)
    return _answer(api, app, made, (data, media_type, arranged.size, box), str(given.get("type", "auto")))


def _cut_out(api: Api, app: Application, given: Mapping[str, Any], region: list[Length]) -> Cutout:
    """Raises what the cut-out raises, and ServiceUnavailable if it takes longer than an answer may."""
    sources = [name for name in _SOURCES if name in given]
    if len(sources) != 1:
        code = "multiple_sources" if sources else "missing_source"
        raise _refused("Give the picture exactly once: image_file, image_file_b64 or image_url.", "image_file", code)
    names = {"image_file": "image", "image_file_b64": "image_b64", "image_url": "image_url"}
    value = given[sources[0]]
    as_text = sources[0] == "image_file" and isinstance(value, str)
    name = "image_b64" if as_text else names[sources[0]]
    # Whatever the user's settings say: the real remove.bg is not paid for a request at this door.
    meant = " ".join(f"{side.value:g}{'%' if side.is_percent else 'px'}" for side in region) or None
    request = validated(CutoutRequest, {name: value, "format": "png", "cloud": False, "subject": meant})
    deadline = Deadline(api.seconds_left - _FOR_THE_REST)
    try:
        made = app.remove_background.answer(api.caller, request, _no_terms, deadline)
    except InvalidParameter as error:
        if error.param != "subject":
            raise
        is_empty = error.context.get("empty")
        raise (_refused("`roi` is empty.", "roi", "roi_region_empty") if is_empty else _outside()) from error
    if not isinstance(made, Cutout):
        raise ServiceUnavailable("The cut-out takes longer than an answer may.", retry_after=5)
    app.remove_background.count(api.caller, request, made)
    return made


def _no_terms() -> Any:
    raise AssertionError("nothing is paid for here")


def _arrangement(given: Mapping[str, Any], image_format: str) -> Arrangement:
    most = _choice(given, "size", _SIZES, "preview")
    if image_format in ("auto", "png", "webp"):
        most = min(most, _PNG_PIXELS)
    is_cropped = _switch(given, "crop", otherwise=False)
    margins = _lengths(given, "crop_margin", (1, 2, 4), limits=(_MOST_PIXELS, _MOST_PERCENT))
    spread = {1: (0, 0, 0, 0), 2: (0, 1, 0, 1), 4: (0, 1, 2, 3)}
    around = [margins[place] for place in spread[len(margins)]] if margins else [Length(0)] * 4
    return Arrangement(
        max_pixels=most,
        crop_margins=(around[0], around[1], around[2], around[3]) if is_cropped else None,
        scale=_scale(given),
        position=_position(given),
        shadow=_switch(given, "add_shadow", otherwise=False),
        is_solid=not _switch(given, "semitransparency", otherwise=True),
    )


def _choice(given: Mapping[str, Any], name: str, known: Mapping[str, Any], otherwise: str) -> Any:
    said = str(given.get(name, otherwise)).strip().lower()
    if said not in known:
        raise _refused(f"`{name}` is none of {', '.join(known)}.", name)
    return known[said]


def _switch(given: Mapping[str, Any], name: str, *, otherwise: bool) -> bool:
    return bool(_choice(given, name, _SWITCHES, str(otherwise)))


def _lengths(
    given: Mapping[str, Any], name: str, counts: tuple[int, ...], limits: tuple[int, int] | None = None
) -> list[Length]:
    """Lengths with blanks between them; none where nothing is said. Raises InvalidParameter."""
    parts = str(given.get(name, "")).replace(",", " ").split()
    found = [_LENGTH.fullmatch(part) for part in parts]
    lengths = [Length(float(each[1]), each[2] == "%") for each in found if each]
    if parts and (len(lengths) != len(parts) or len(parts) not in counts):
        raise _refused(f"`{name}` takes {' or '.join(map(str, counts))} values in px or %.", name)
    if limits and any(each.value > limits[each.is_percent] for each in lengths):
        raise _refused(f"`{name}` is at most {limits[0]}px or {limits[1]}%.", name)
    return lengths


def _scale(given: Mapping[str, Any]) -> float | None:
    said = str(given.get("scale", "original")).strip().lower()
    found = re.fullmatch(r"(\d{1,3}(?:\.\d+)?)%?", said)
    if said == "original":
        return None
    if not found or not 10 <= float(found[1]) <= 100:
        raise _refused("`scale` is `original`, or from 10% to 100%.", "scale")
    return float(found[1]) / 100


def _position(given: Mapping[str, Any]) -> tuple[float, float] | None:
    said = str(given.get("position", "original")).strip().lower()
    if said == "original":
        return None
    numbers = [re.fullmatch(r"(\d{1,3}(?:\.\d+)?)%", part) for part in said.replace("center", "50%").split()]
    values = [float(each[1]) / 100 for each in numbers if each]
    if len(values) != len(numbers) or len(values) not in (1, 2) or max(values) > 1:
        raise _refused("`position` is `original`, `center`, or one or two values from 0% to 100%.", "position")
    return values[0], values[-1]


def _behind(api: Api, app: Application, given: Mapping[str, Any]) -> Painter | None:
    """What paints a picture or a color behind the subject."""
    named = [name for name in _BEHIND if name in given]
    if len(named) > 1:
        raise _refused("Give one of bg_color, bg_image_url and bg_image_file.", named[1], "multiple_bg_sources")
    if not named:
        return None
    (name,) = named
    if name == "bg_color":
        color = _color(str(given[name]).strip())
        return lambda size: Image.new("RGBA", size, color)
    is_file = isinstance(given[name], bytes)
    source = ImageSource(name, data=given[name]) if is_file else ImageSource(name, url=str(given[name]))
    data = app.sources.read(api.user, source)
    return paint_picture(decode(data, max_megapixels=app.settings.max_megapixels))


def _color(said: str) -> tuple[int, int, int, int]:
    try:
        found = _HEX.fullmatch(said)
        color = tuple(parse_colour(f"#{found[1]}" if found else said))
    except (InvalidParameter, ValueError) as error:
        raise _refused("`bg_color` is a hex color (81d4fa, fff) or a color's name.", "bg_color") from error
    return color[0], color[1], color[2], color[3]


def _file(
    picture: Image.Image,
    behind: Painter | None,
    image_format: str,
    channels: str,
    facts: tuple[bytes | None, Dpi],
) -> tuple[bytes, str]:
    """The result's bytes, and their media type. Args: facts: the profile, and pixels per inch."""
    if channels == "alpha":
        return encode(picture.getchannel("A"), "png", dpi=facts[1]), "image/png"
    alpha = picture.getchannel("A")
    if behind is not None:
        picture = Image.alpha_composite(behind(picture.size).convert("RGBA"), picture)
    if image_format == "zip":
        picture.putalpha(alpha)
        return encode(picture, "zip", *facts), "application/zip"
    if image_format == "auto":
        image_format = "png" if picture.getchannel("A").getextrema() != (255, 255) else "jpeg"
    if image_format == "jpeg":
        white = Image.new("RGBA", picture.size, "white")
        return encode(Image.alpha_composite(white, picture).convert("RGB"), "jpeg", *facts), "image/jpeg"
    return encode(picture, "webp" if image_format == "webp" else "png", *facts), f"image/{image_format}"


def _answer(
    api: Api, app: Application, made: Cutout, file: tuple[bytes, str, tuple[int, int], Box], said: str
) -> Response[Any]:
    data, media_type, size, box = file
    place = {"top": box[1], "left": box[0], "width": box[2] - box[0], "height": box[3] - box[1]}
    headers = {
        **_FREE,
        **_rate(api),
        "x-width": str(size[0]),
        "x-height": str(size[1]),
        "x-type": said if said in _TYPES else "other",
        **{f"x-foreground-{name}": str(value) for name, value in place.items()},
    }
    wants_json = "json" in api.headers.get("accept", "").partition(",")[0].lower()
    if len(data) > MAX_INLINE_BYTES and (wants_json or media_type == "application/zip"):
        raise PayloadTooLarge("The result is more than an answer can carry.", fix="Ask for an image, or a smaller one.")
    if wants_json:
        found = {f"foreground_{name}": value for name, value in place.items()}
        return json_response({"data": {"result_b64": base64.b64encode(data).decode(), **found}}, headers=headers)
    if len(data) > MAX_INLINE_BYTES:
        kept = {"data": data, "media_type": media_type, "width": size[0], "height": size[1]}
        job = app.remove_background.keep(api.user, CutoutRequest(image=b" "), made.model_copy(update=kept))
        return see_other(app.jobs.show(job)["output"]["images"][0]["url"], headers)
    return Response(200, media_type, data, headers=headers)


def _rate(api: Api) -> dict[str, str]:
    """The tightest limit, by remove.bg's names."""
    from time import time

    policies = re.findall(r'"(\w+)";q=(\d+)', api.rate_headers.get("ratelimit-policy", ""))
    stands = re.findall(r'"\w+";r=(\d+);t=(\d+)', api.rate_headers.get("ratelimit", ""))
    rows = [(int(left), limit, int(resets)) for (_, limit), (left, resets) in zip(policies, stands, strict=True)]
    if not rows:
        return {}
    left, limit, resets = min(rows)
    return {
        "x-ratelimit-limit": limit,
        "x-ratelimit-remaining": str(left),
        "x-ratelimit-reset": str(int(time()) + resets),
    }


def _outside() -> InvalidParameter:
    return _refused("`roi` exceeds the picture's bounds.", "roi", "roi_exceeds_bounds")


def _refused(what: str, param: str, code: str | None = None) -> InvalidParameter:
    context = {"removebg_code": code} if code else {}
    return InvalidParameter(what, fix="Correct the named field.", param=param, context=context)
