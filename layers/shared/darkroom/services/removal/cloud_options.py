"""What a cut-out's options are at remove.bg, and when it is remove.bg that is to cut out."""

from typing import Any, Final, Literal

from darkroom.errors import DarkroomError, DarkroomFault, InvalidParameter, LowQuality, NoForeground
from darkroom.images.colour import parse_colour
from darkroom.models.cutout_request import CutoutRequest
from darkroom.models.segmentation import AUTO
from darkroom.models.user_settings import UserSettings

Mode = Literal["never", "always", "fallback"]
Options = dict[str, str | bool]

_FORMATS: Final = {"png": "png", "jpeg": "jpg"}
# What it does not know, and the values with which it need not.
_ONLY_HERE: Final[dict[str, tuple[Any, ...]]] = {
    "model": (None, AUTO),
    "matting": (False,),
    "max_size": (None,),
    "components": ("all",),
    "holes": ("keep",),
    "edges": ("clean",),
    "keep": (None,),
    "erase": (None,),
    "shadow": ("none",),
    "fit": (None,),
    "pad": ("0",),
    "dpi": (None,),
}
_MOST_MARGIN: Final = {"px": 500, "%": 50}


def mode_of(request: CutoutRequest, settings: UserSettings, *, is_auto: bool = False) -> tuple[Mode, str | None]:
    """Whether remove.bg cuts out, and a warning where a setting says so and the request does not allow it.

    Args:
        is_auto: the models here are asked first, and remove.bg when none of them is sure.

    What the request says goes before the settings. It says so, too, by asking for what only Darkroom does, and
    somebody who wants nothing to be kept anywhere has said that as well.
    """
    if request.cloud is not None:
        wanted: Mode = "fallback" if is_auto else "always"
        return (wanted if request.cloud else "never"), None
    mode = settings.cloud_removal or "never"
    if is_auto and mode == "always":
        mode = "fallback"
    if mode == "never":
        return mode, None
    try:
        options_of(request)
        require_no_retention_promise(settings)
    except InvalidParameter as error:
        return "never", f"{error.detail} It was cut out here." if mode == "always" else None
    return mode, None


def require_no_retention_promise(settings: UserSettings) -> None:
    """Raises InvalidParameter for a user who wants nothing to be kept."""
    if settings.zero_data_retention:
        raise InvalidParameter(
            "remove.bg does not promise to keep nothing, and your settings ask for that.",
            fix="Have it cut out here (`cloud: false`), or change zero_data_retention in PATCH /v1/settings.",
            param="cloud",
        )


def is_ours(error: Exception) -> bool:
    """Whether cutting out failed for a reason of ours, so that somebody else may succeed with the same picture."""
    return isinstance(error, DarkroomFault | LowQuality | NoForeground) or not isinstance(error, DarkroomError)


def options_of(request: CutoutRequest) -> Options:
    """The options as remove.bg has them.

    Raises:
        InvalidParameter: it has no such option; `param` says which.
    """
    options: Options = {"size": "full", "format": _format(request), **_crop(request)}
    if request.channels == "alpha":
        options["channels"] = "alpha"
    if background := _background(request):
        options["bg_color"] = background
    if region := _region(request):
        options["roi"] = region
    for name, nothing in _ONLY_HERE.items():
        if getattr(request, name) not in nothing:
            raise _only_here(name)
    return options


def _region(request: CutoutRequest) -> str | None:
    """What lies outside of a box is no subject there, too. Points it does not know."""
    meant = request.meant
    if meant is not None and not meant.box:
        raise _only_here("subject", "points")
    if meant is None:
        return None
    return " ".join(f"{side.value:g}{'%' if side.is_percent else 'px'}" for side in meant.box)


def _format(request: CutoutRequest) -> str:
    if request.format not in _FORMATS:
        raise _only_here("format", f"{request.format} files")
    return _FORMATS[request.format]


def _crop(request: CutoutRequest) -> Options:
    if not request.crop:
        return {}
    text = request.margin.replace(" ", "")
    unit = "%" if text.endswith("%") else "px"
    amount = float(text.removesuffix("px").removesuffix("%"))
    if amount > _MOST_MARGIN[unit]:
        raise _only_here("margin", f"margins above {_MOST_MARGIN[unit]}{unit}")
    return {"crop": True, **({"crop_margin": f"{amount:g}{unit}"} if amount else {})}


def _background(request: CutoutRequest) -> str | None:
    """Hexadecimal, as RRGGBBAA. A JPEG, which knows no transparency, is put on white here as well as there."""
    if request.behind.given:
        raise _only_here(request.behind.name, "pictures behind the subject")
    if request.background is None:
        return "ffffffff" if request.format == "jpeg" else None
    try:
        return "".join(f"{channel:02x}" for channel in parse_colour(request.background.strip()))
    except ValueError:
        raise _only_here("background", "backgrounds but plain colors") from None


def _only_here(param: str, what: str = "") -> InvalidParameter:
    return InvalidParameter(
        f"remove.bg knows no {what or f'`{param}`'}.",
        fix="Leave it out, or have it cut out here, for nothing, with `cloud: false`.",
        param=param,
    )
