"""The ways in which an edit's pictures are handed over, brought to `ImageSource`s.

OpenAI's ways: a file or several (`image`, `image[]`, `image[0]`), and in JSON `images` with objects that hold an
`image_url` or a `file_id`. Ours beside them: `image_url`, `image_b64`, `upload_id`, and `job_id` with an `index`.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import unquote, unquote_to_bytes

from darkroom.errors import InvalidParameter
from darkroom.models.form_values import is_nothing, unfolded
from darkroom.models.source import ImageSource

_LISTS: Final = re.compile(r"(image|images)(?:\[(\d{0,3})\])?", re.ASCII)
_JOB: Final = re.compile(r"(job_[^/]*)(?:/([0-9]{1,4}))?", re.DOTALL)
_MOST_QUOTED: Final = 64
_LEAST_BASE64: Final = 64
# JPEG, PNG, GIF, RIFF, TIFF, BMP and ISO media files, as base64 writes their first bytes.
_BEGINNINGS: Final = ("/9j/", "_9j_", "iVBORw0K", "R0lGOD", "UklGR", "SUkq", "TU0A", "Qk", "AAAA")
_STANDARD: Final = str.maketrans("-_", "+/")

_FORMS: Final = (
    "Send the file itself in a multipart form, an http(s) URL, a data URL (`data:image/png;base64,…`), an upload "
    "(`upl_…`), or a picture of one of your jobs (`job_…`, or `job_…/1` for its second). Base64 goes into "
    '{"b64_json": "…"}.'
)
_OBJECTS: Final = (
    'As an object a picture is {"image_url": "https://…"}, {"file_id": "upl_…"}, {"job_id": "job_…", "index": 0} or '
    '{"b64_json": "…"}.'
)
# Of an object's fields those that only describe the picture, as an answer's `data[i]` and other APIs have them.
_BESIDE: Final = frozenset(
    ("type", "detail", "index", "media_type", "mime_type", "width", "height", "revised_prompt", "filename")
)
_TYPES: Final = ("input_image", "image_url", "image", "base64", "url")
_FOLDED = re.compile(r"(\w+)\[([a-z_]+)\](?:\[\])?")


def edit_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """A request's fields (JSON or form) as those of `EditRequest`: what names a picture becomes `images` and `mask`.

    `image` and its lists come first, in their order, then `image_url`, `image_b64`, `upload_id`, `file_id` (which is
    OpenAI's word for the same) and `job_id`. Each source's `name` is the field that an error about it should point at.
    A field that is null, or a word that clients write for it, is as good as absent.

    Raises:
        InvalidParameter: no picture, a second mask, or something that is no way of handing a picture over.
    """
    images, mask, rest = picture_fields(fields)
    if not images:
        raise InvalidParameter("There is no picture to edit.", fix=_FORMS, param="image")
    rest = _folded_out(rest, "provider")
    if "fallback_models" not in rest and "fallback_models[]" in rest:
        rest["fallback_models"] = rest.pop("fallback_models[]")
    return {**rest, "images": images, "mask": mask}


def picture_fields(
    fields: Mapping[str, Any],
) -> tuple[tuple[ImageSource, ...], ImageSource | None, dict[str, Any]]:
    """The pictures that a request's fields hand over, in the order that `edit_fields` gives, the mask, and the rest.

    Raises:
        InvalidParameter: a second mask, or something that is no way of handing a picture over.
    """
    rest = {name: value for name, value in fields.items() if not (is_nothing(value) and names_picture(name))}
    images = (*_listed(rest), *_named(rest))
    return images, _mask(rest), rest


def _folded_out(fields: Mapping[str, Any], name: str) -> dict[str, Any]:
    """With `provider[sort]` and `provider[only][]`, as the openai SDK writes an object into a form, made an object."""
    found = {key: _FOLDED.fullmatch(key) for key in fields}
    inside = {part[2]: fields[key] for key, part in found.items() if part and part[1] == name}
    rest = {key: value for key, value in fields.items() if not ((part := found[key]) and part[1] == name)}
    return {**rest, name: inside} if inside else rest


def from_base64(text: str, param: str) -> bytes:
    """The bytes of base64 or of a data URL, in either alphabet, with or without padding and line breaks.

    Raises:
        InvalidParameter: it is neither.
    """
    payload = text.strip().strip("\"'")
    # Some clients put the beginning of a data URL before what is one already.
    while is_data_url(payload):
        head, _, payload = payload.partition(",")
        if not head.lower().rstrip().endswith("base64") and "%" in payload:
            return unquote_to_bytes(payload)
        payload = unquote(payload)
    payload = "".join(payload.split()).rstrip("=").translate(_STANDARD)
    try:
        return base64.b64decode(payload + "=" * (-len(payload) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidParameter(
            f"`{param}` is not base64.", fix="Send the file's bytes in base64, or a data URL.", param=param
        ) from error


def is_data_url(text: str) -> bool:
    return text.lstrip()[:5].lower() == "data:"


def is_bare_base64(text: str) -> bool:
    """Whether a text is a picture's base64 without anything around it, as its beginning tells."""
    return len(text) > _LEAST_BASE64 and text.lstrip().startswith(_BEGINNINGS)


def names_picture(name: str) -> bool:
    """Whether an edit takes a field of that name for a picture, a mask, or which of a job's pictures it is."""
    return bool(_LISTS.fullmatch(name)) or name in _FIELDS or name in ("mask", "mask[]", "job_index", "index")


def is_listed(name: str, value: Any) -> bool:
    """Whether a field has its picture in a list or an object, or under a name that only OpenAI's API has for it."""
    if name == "file_id":
        return True
    return bool(_LISTS.fullmatch(name)) and (name != "image" or isinstance(unfolded(value), list | tuple | Mapping))


def one_picture(name: str, value: Any) -> ImageSource:
    """The picture of a route that takes one.

    Raises:
        InvalidParameter: there are several or none, or it is no way of handing a picture over to that route.
    """
    images, _, _ = picture_fields({name: value})
    if len(images) != 1:
        raise InvalidParameter(f"`{name}` has {len(images)} pictures.", fix="Send one picture a request.", param=name)
    return images[0]


def named_picture(name: str, value: Any) -> ImageSource:
    """The one picture of a field, in each way in which a mask is taken; raises InvalidParameter."""
    try:
        _, mask, _ = picture_fields({"mask": value})
    except InvalidParameter as error:
        error.detail, error.param = error.detail.replace("`mask", f"`{name}", 1), name
        raise
    if mask is None:
        raise _no_way(value, name)
    return replace(mask, name=name)


def job_picture(value: Any, index: Any = None) -> ImageSource:
    """A job's picture, by `job_…` and an index, or by both in one; raises InvalidParameter."""
    return _job(value, "job_id", index)


def _listed(rest: dict[str, Any]) -> Iterator[ImageSource]:
    """Takes `image`, `images` and what is numbered or repeated under these names."""
    found = sorted((match for name in rest if (match := _LISTS.fullmatch(name))), key=_place)
    for match in found:
        value = unfolded(rest.pop(match[0]))
        if isinstance(value, list | tuple):
            yield from (_source(item, f"{match[1]}[{index}]") for index, item in enumerate(value))
        else:
            yield _source(value, match[0])


def _place(match: re.Match[str]) -> tuple[str, int, str]:
    return match[1], int(match[2] or -1), match[0]


def _named(rest: dict[str, Any]) -> Iterator[ImageSource]:
    """Takes the fields that say by their name what they hold."""
    for name, read in _FIELDS.items():
        if name not in rest:
            continue
        value = rest.pop(name)
        if name == "job_id":
            index = next((rest.pop(other) for other in ("job_index", "index") if other in rest), None)
            yield _job(value, name, index)
        else:
            yield read(value, name)


def _mask(rest: dict[str, Any]) -> ImageSource | None:
    given = [unfolded(rest.pop(name)) for name in ("mask", "mask[]") if name in rest]
    masks = [mask for value in given for mask in (value if isinstance(value, list | tuple) else [value])]
    if len(masks) > 1:
        raise InvalidParameter(
            "More than one mask was given.", fix="Give one, for the first picture, as `mask`.", param="mask"
        )
    return _source(masks[0], "mask") if masks else None


def _source(value: Any, name: str) -> ImageSource:
    if isinstance(value, bytes):
        return ImageSource(name, data=value)
    if isinstance(value, Mapping):
        return _object(value, name)
    text = _text(value, name)
    if text.startswith("upl_"):
        return ImageSource(name, upload_id=text)
    if text.startswith("job_"):
        return _job(text, name)
    return _base64(text, name) if is_bare_base64(text) else _url(text, name)


def _object(value: Mapping[str, Any], name: str) -> ImageSource:
    kind = value.get("type", "image_url")
    way, *others = [key for key in value if key not in _BESIDE] or [""]
    if kind not in _TYPES or others or way not in _KEYS or ("index" in value and way != "job_id"):
        raise InvalidParameter(f"`{name}` is an object that does not name one picture.", fix=_OBJECTS, param=name)
    if way == "job_id":
        return _job(value[way], name, value.get("index"))
    return _KEYS[way](value[way], name)


def _url(value: Any, name: str) -> ImageSource:
    if isinstance(value, Mapping):  # as in chat: {"image_url": {"url": "…", "detail": "auto"}}
        value = value.get("url")
    text = _text(value, name)
    if is_data_url(text) or is_bare_base64(text):
        return ImageSource(name, data=from_base64(text, name))
    if text[:8].lower().startswith(("http://", "https://")):
        return ImageSource(name, url=text)
    raise _no_way(text, name)


def _base64(value: Any, name: str) -> ImageSource:
    if isinstance(value, bytes):
        return ImageSource(name, data=value)
    return ImageSource(name, data=from_base64(_text(value, name), name))


def _upload(value: Any, name: str) -> ImageSource:
    text = _text(value, name)
    if not text.startswith("upl_"):
        raise InvalidParameter(
            f"`{name}` is {_quoted(text)}, which is no upload's id.",
            fix="POST /v1/uploads makes one, and gives an id that begins with `upl_`.",
            param=name,
        )
    return ImageSource(name, upload_id=text)


def _job(value: Any, name: str, index: Any = None) -> ImageSource:
    found = _JOB.fullmatch(_text(value, name))
    if found is None or (found[2] and index is not None):
        raise InvalidParameter(
            f"`{name}` is {_quoted(value)}, which does not name a job's picture.",
            fix="Give the id as `job_…` with an `index` from 0, or both in one as `job_…/0`.",
            param=name,
        )
    return ImageSource(name, job_id=found[1], index=_index(found[2] or (0 if index is None else index), name))


def _index(value: Any, name: str) -> int:
    if isinstance(value, str | int) and re.fullmatch(r"[0-9]{1,4}", str(value)):
        return int(value)
    param = "index" if name == "job_id" else name
    raise InvalidParameter(
        f"`{param}`: the index {_quoted(value)} is no picture's.",
        fix="Count the job's pictures with whole numbers from 0.",
        param=param,
    )


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise _no_way(value, name)
    return value.strip().strip("\"'")


def _no_way(value: Any, name: str) -> InvalidParameter:
    return InvalidParameter(f"`{name}` is {_quoted(value)}, which names no picture.", fix=_FORMS, param=name)


def _quoted(value: Any) -> str:
    """Enough of the value to recognise it by."""
    if isinstance(value, str):
        return repr(value[:_MOST_QUOTED]) + "…" * (len(value) > _MOST_QUOTED) if value else "empty"
    kinds = {bytes: "a file", list: "a list", dict: "an object", type(None): "null"}
    return kinds.get(type(value)) or f"{value!r:.{_MOST_QUOTED}}"


_Read = Callable[[Any, str], ImageSource]
_FIELDS: Final[dict[str, _Read]] = {
    "image_url": _url,
    "image_b64": _base64,
    "upload_id": _upload,
    "file_id": _upload,
    "job_id": _job,
}
_KEYS: Final[dict[str, _Read]] = {
    "image_url": _url,
    "url": _url,
    "file_id": _upload,
    "upload_id": _upload,
    "job_id": _job,
    "b64_json": _base64,
    "data": _base64,
}
