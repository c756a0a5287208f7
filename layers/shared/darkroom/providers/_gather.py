"""Where in an answer the pictures are, whatever the fields are called; and those of them that can be read.

    {"data": [{"b64_json": "…"}]}     {"data": [{"url": "https://…"}]}     {"images": ["data:…"]}     {"output": "https://…"}
    {"message": {"images": [{"type": "image_url", "image_url": {"url": "data:…"}}]}}       {"image": {"data": "…"}}
    {"content": [{"type": "text", "text": "…"}, {"type": "image", "source": {"type": "base64", "data": "…"}}]}
    {"candidates": [{"content": {"parts": [{"inlineData": {"mimeType": "image/png", "data": "…"}}]}}]}

One object with a picture in it is one picture, though it be said twice there: as base64 and by address. Where there is
none in a field for them, the text is looked through. No more pictures are taken than were asked for: what is beyond
that is not even decoded.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final

from msgspec import Struct

from darkroom.models.generation import GeneratedImage
from darkroom.providers import _wire
from darkroom.providers._pictures import Fetch, NotAPicture, read_picture

MAX_WARNINGS: Final = 10
# How many that cannot be read are passed over at the most, in search of one that can.
_SPARE: Final = 10
_MAX_DEPTH: Final = 10
_MAX_LOOKED_AT: Final = 100_000
# Fields whose text is a picture, in the order in which they are believed.
_CERTAIN: Final = (
    *("b64_json", "image_base64", "image_b64", "base64", "b64", "result_b64", "image_url", "imageUrl"),
    *("bytesBase64Encoded", "imageBytes", "image_bytes"),
)
# Fields whose text is a picture if it looks like one.
_LIKELY: Final = (
    *("image", "data", "url", "uri", "fileUri", "file_uri"),
    *("sample", "output", "result", "content", "src", "bytes"),
)
# Fields that hold pictures, or hold what holds them.
_WITHIN: Final = (
    *("data", "images", "image", "image_url", "imageUrl", "inlineData", "inline_data", "fileData", "file_data"),
    *("source", "output", "outputs", "result", "results", "artifacts", "predictions"),
    *("generated_images", "generatedImages", "choices", "candidates", "message", "delta", "content", "parts"),
    *("response", "item"),
)
# Fields whose text is words.
_WORDS: Final = ("text", "content", "output_text", "output")
_MAX_TEXTS: Final = 10_000
_DRAFT: Final = re.compile(r"partial|thought|reasoning|audio|video|input_", re.IGNORECASE)
_LOOKS_ENCODED: Final = re.compile(
    r"\s*(?:data(?::|%3a)|https?://\S+\s*$|<svg|<\?xml|base64[,:]|iVBOR|/9j/|_9j_|UklGR|R0lGOD|AAAA|PHN2|PD94)",
    re.IGNORECASE,
)
_IN_TEXT: Final = re.compile(
    r"!\[[^\]]{0,500}\]\(\s*<?(data:[^)\s]+|https://[^)\s>]{1,4000})"
    r"|<img[^>]{0,300}?\ssrc=[\"']?(data:[^\"'\s>]+|https://[^\"'\s>]{1,4000})"
    r"|(data:image/[^\s\"'<>)\]]+)",
    re.IGNORECASE,
)


class Gathered(Struct, frozen=True):
    """Args: claims: how many pictures the answer claims to hold, counted up to those that were asked for."""

    images: tuple[GeneratedImage, ...] = ()
    warnings: tuple[str, ...] = ()
    claims: int = 0


def gather(value: Any, *, most: int, fetch: Fetch | None, said: str = "") -> Gathered:
    """The first pictures, up to that number, of an answer that can be read.

    Args:
        said: text that is looked through where there is none in a field of its own.
    """
    claims = list(islice(claims_in(value), most + _SPARE)) or [(each,) for each in islice(in_text(said), most + _SPARE)]
    return read_claims(claims, most=most, fetch=fetch)


def read_claims(claims: Iterable[tuple[str, ...]], *, most: int, fetch: Fetch | None) -> Gathered:
    """The pictures that the claims contain or name; each is one, in one or more spellings."""
    images: list[GeneratedImage] = []
    warnings: list[str] = []
    count = 0
    for spellings in claims:
        count += 1
        if len(images) == most:
            warnings.append(f"The provider sent more than the {most} that were asked for; the rest was left out.")
            break
        try:
            images.append(_first_readable(spellings, fetch))
        except NotAPicture as error:
            warnings.append(f"A picture {error}.")
    return Gathered(tuple(images), tuple(dict.fromkeys(warnings))[:MAX_WARNINGS], min(count, most))


def _first_readable(spellings: tuple[str, ...], fetch: Fetch | None) -> GeneratedImage:
    failed = NotAPicture("is missing")
    for place, each in enumerate(spellings):
        try:
            return read_picture(each, fetch)
        except NotAPicture as error:
            failed = error if place == 0 else failed
    raise failed


def claims_in(value: Any) -> Iterator[tuple[str, ...]]:
    """What claims to be a picture, in order: each in all the spellings that it has."""
    for spellings in islice(_claims(value, 0), _MAX_LOOKED_AT):
        if spellings:
            yield spellings


def in_text(said: str) -> Iterator[str]:
    """Pictures that a text shows, in Markdown, in HTML or by their addresses; or that it is."""
    if _LOOKS_ENCODED.match(said) and not re.search(r"\s\S+\s", said[:200].strip()):
        yield said.strip()
        return
    for found in _IN_TEXT.finditer(said):
        yield next(filter(None, found.groups()))


def text_in(value: Any, depth: int = 0) -> str:
    """The words of an answer, joined without a space, as the pieces of a stream are."""
    if depth > _MAX_DEPTH:
        return ""
    if isinstance(value, list):
        return "".join(text_in(each, depth + 1) for each in value[:_MAX_TEXTS])
    if not isinstance(value, dict) or is_draft(value):
        return ""
    words = [value[name] for name in _WORDS if isinstance(value.get(name), str)]
    return "".join((*words[:1], *(text_in(value[name], depth + 1) for name in _WITHIN if name in value)))


def _claims(value: Any, depth: int) -> Iterator[tuple[str, ...]]:
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, list):
        for each in value:
            if isinstance(each, str):
                yield (each,) if _LOOKS_ENCODED.match(each) else ()
            else:
                yield from _claims(each, depth + 1)
    elif isinstance(value, dict) and not is_draft(value):
        yield from _claims_of_object(value, depth)


def _claims_of_object(value: dict[str, Any], depth: int) -> Iterator[tuple[str, ...]]:
    lists = [name for name in _WITHIN if isinstance(value.get(name), list)]
    objects = {name: _plainly(name, value[name]) for name in _WITHIN if isinstance(value.get(name), dict)}
    inner: set[str] = set()
    for name in lists:
        found = [each for each in _claims(value[name], depth + 1) if each]
        # The same in `image` and in `images` is one; the same twice in one list is two.
        yield from (each for each in found if each[0] not in inner)
        inner.update(each[0] for each in found)
    own = _spellings(value)
    if not inner and own:
        # Beside its own text an object may say the same picture within another: by address, in `image_url`.
        yield (*own, *(each for held in objects.values() for found in _claims(held, depth + 1) for each in found))
        return
    for held in objects.values():
        for spellings in _claims(held, depth + 1):
            if spellings and spellings[0] not in inner:
                inner.add(spellings[0])
                yield spellings


def _plainly(name: str, held: dict[str, Any]) -> dict[str, Any]:
    """What a field holds: in an `image_url`, whatever is called `url` is meant as a picture."""
    is_url = name in ("image_url", "imageUrl") and isinstance(held.get("url"), str)
    return {"image_url": held["url"]} if is_url else held


def _spellings(value: dict[str, Any]) -> tuple[str, ...]:
    names = (*_CERTAIN, "data") if _is_labelled(value) else _CERTAIN
    certain = [value[name] for name in names if isinstance(value.get(name), str) and value[name]]
    likely = [value[name] for name in _LIKELY if isinstance(value.get(name), str) and _LOOKS_ENCODED.match(value[name])]
    return (*certain, *likely)


def _is_labelled(value: Mapping[str, Any]) -> bool:
    """Whether it is said of its data that they are a picture."""
    types = (_wire.label(value.get(name)) for name in ("mimeType", "mime_type", "media_type", "mediaType"))
    return any(each is not None and each.lower().startswith("image") for each in types)


def is_draft(value: Mapping[str, Any]) -> bool:
    """Whether it is a thought, a first impression, or something else than a picture."""
    if value.get("thought") is True or "partial_image_index" in value:
        return True
    kind = _wire.label(value.get("type"))
    return kind is not None and _DRAFT.search(kind) is not None
