"""What is in a chat's body, as far as it matters here: how much it is, which pictures, whom it sends where."""

import base64
import binascii
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from msgspec import Struct

from darkroom.errors import InvalidParameter, InvalidPrompt, PayloadTooLarge, UnsupportedMediaType
from darkroom.errors.names import shown_name
from darkroom.images.measure import measure

MOST_BYTES: Final = 4 * 1024 * 1024
MOST_DEPTH: Final = 64

CheckUrl = Callable[[str], object]

_PARAM = "messages"
_INSTRUCTIONS = frozenset({"system", "developer"})
_PRICED_PARTS = frozenset({"text", "image_url", "refusal"})
# Beside them what is passed on where the caller says what it may cost at the most: no list tells what it costs.
_PARTS = ("text", "image_url", "input_audio", "file", "video_url", "input_video", "refusal")
_PRICED_TOOLS = frozenset({"function", "custom"})
_PRICED_TIERS = frozenset({"auto", "default", "flex"})
# What a provider takes more for than for tokens, or what changes which model it is.
_UNPRICED_FIELDS = ("plugins", "web_search_options", "audio", "prediction", "preset")
_URL_FIELDS = ("image_url", "video_url")


class Survey(Struct, frozen=True):
    """Args:
    text_bytes: of all but the pictures, in UTF-8.
    pictures: pixels of each; None where only the provider will know.
    unpriced: fields by which it costs what no list tells.
    """

    text_bytes: int
    pictures: tuple[int | None, ...]
    unpriced: tuple[str, ...]


def survey(body: Mapping[str, Any], check_url: CheckUrl) -> Survey:
    """Looks through a body. Fetches nothing: what is behind a URL is between its host and the provider.

    Args:
        check_url: raises UrlRefused for a place where nobody may be sent.

    Raises:
        PayloadTooLarge: it is longer than MOST_BYTES.
        InvalidParameter: it is no JSON that can be sent on, or a URL in it is neither https nor data.
        InvalidPrompt: it asks nothing.
        UnsupportedMediaType: a part of a message is of a type that there is not.
        UrlRefused
    """
    size = len(as_json(body))
    if size > MOST_BYTES:
        raise PayloadTooLarge(
            f"The body has {size} bytes; {MOST_BYTES} are accepted.",
            fix="Send smaller pictures, or https URLs of them.",
            param=_PARAM,
        )
    pictures: list[int | None] = []
    unpriced = _unpriced(body)
    asked = [message for message in body["messages"] if message.get("role") not in _INSTRUCTIONS] or body["messages"]
    for part in _parts(body):
        for url in _urls(part):
            if url[:5].lower() != "data:":
                _check(url, check_url)
        # By its type alone: what else a part holds decides nothing, or a file could pass for a picture.
        if part.get("type") == "image_url":
            urls = _urls({"image_url": part.get("image_url")})
            pictures += [_pixels(url) for url in urls]
            size -= sum(len(url) for url in urls if url[:5].lower() == "data:")
        elif part.get("type") not in _PRICED_PARTS or "image_url" in part:
            unpriced.append(str(part.get("type"))[:50])
    if not any(map(_says_something, asked)):
        raise InvalidPrompt("The messages say nothing.", fix="Send a user's message with words in it.", param=_PARAM)
    return Survey(size, tuple(pictures), tuple(dict.fromkeys(unpriced)))


def as_json(body: Mapping[str, Any]) -> bytes:
    """The body as it is kept: in the caller's order.

    Raises:
        InvalidParameter: it cannot be written as JSON.
    """
    if _is_too_deep(body):
        raise InvalidParameter(
            "The body is nested too deeply.", fix=f"Nest at most {MOST_DEPTH} levels of lists and objects."
        )
    try:
        return json.dumps(body, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError) as error:  # the latter for NaN, and for half a surrogate pair
        raise InvalidParameter(
            "The body holds what JSON in UTF-8 cannot.", fix="Leave out NaN, infinities and lone surrogates."
        ) from error


def _is_too_deep(body: Mapping[str, Any]) -> bool:
    level: list[Any] = [body]
    for _ in range(MOST_DEPTH):
        level = [inner for each in level for inner in _within(each)]
        if not level:
            return False
    return True


def _within(value: Any) -> list[Any]:
    inside = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return [each for each in inside if isinstance(each, Mapping | list | tuple)]


def _parts(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The parts of all messages; text by itself is none.

    Raises:
        InvalidParameter: a message is none.
    """
    for number, message in enumerate(body["messages"]):
        if not isinstance(message.get("role"), str):
            raise _no_message(f"messages.{number}.role", "The message has no role.")
        content = message.get("content")
        if content is not None and not isinstance(content, str | list):
            raise _no_message(f"messages.{number}.content", "The content is neither text nor a list of parts.")
        for part in (*(content if isinstance(content, list) else ()), *_listed(message.get("images"))):
            if not isinstance(part, Mapping):
                raise _no_message(f"messages.{number}.content", "A part of the content is no object.")
            if part.get("type") not in _PARTS:
                raise _unknown_part(number, part.get("type"))
            yield part


def _unknown_part(number: int, kind: Any) -> UnsupportedMediaType:
    said = f"`{shown_name(kind)}`" if isinstance(kind, str) and kind else "without a `type`"
    return UnsupportedMediaType(
        f"A part of message {number} is {said}, which no model is sent.",
        fix=f"Parts of these types are taken: {', '.join(_PARTS)}.",
        param=f"messages.{number}.content",
        context={"accepted": list(_PARTS)},
    )


def _says_something(message: Mapping[str, Any]) -> bool:
    """Whether there is anything in it but blanks. Beside words it may have parts, pictures, and calls of tools."""
    content = message.get("content")
    parts = content if isinstance(content, list) else [{"type": "text", "text": content}]
    texts = [part.get("text") if part.get("type") == "text" else part for part in parts]
    others = (message.get(name) for name in ("images", "tool_calls", "function_call", "tool_call_id"))
    return any(text.strip() if isinstance(text, str) else text for text in texts) or any(others)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _no_message(param: str, detail: str) -> InvalidParameter:
    return InvalidParameter(detail, fix='Send for example {"role": "user", "content": "Hello"}.', param=param)


def _urls(part: Mapping[str, Any]) -> list[str]:
    found = []
    for name in _URL_FIELDS:
        value = part.get(name)
        url = value.get("url") if isinstance(value, Mapping) else value
        found += [url.strip()] if isinstance(url, str) else []
    file = part.get("file")
    data = file.get("file_data") if isinstance(file, Mapping) else None
    return [*found, *([data.strip()] if isinstance(data, str) and ":" in data[:10] else [])]


def _check(url: str, check_url: CheckUrl) -> None:
    if url[:8].lower() != "https://":
        raise InvalidParameter(
            "A URL in the messages begins with neither `https:` nor `data:`.",
            fix="Send an https URL, or the file itself as a data URL.",
            param=_PARAM,
        )
    check_url(url)


def _pixels(url: str) -> int | None:
    """Of a picture in a data URL; what cannot be read here is left to the provider to refuse."""
    head, _, payload = url.partition(",")
    if head[:5].lower() != "data:" or not head.lower().endswith(";base64"):
        return None
    try:
        width, height = measure(base64.b64decode(payload, validate=True))
    except binascii.Error:
        return None
    return width * height or None


def _unpriced(body: Mapping[str, Any]) -> list[str]:
    found = [name for name in _UNPRICED_FIELDS if body.get(name) not in (None, [], False)]
    if "audio" in (body.get("modalities") or ()):
        found.append("modalities")
    if body.get("service_tier") is not None and body["service_tier"] not in _PRICED_TIERS:
        found.append("service_tier")
    tools = [tool.get("type") for tool in _listed(body.get("tools")) if isinstance(tool, Mapping)]
    return [*found, *(str(each)[:50] for each in tools if each not in _PRICED_TOOLS)]
