"""Pictures in a chat's body, as data URLs: each replaced by a file written here before a provider gets it."""

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from darkroom.errors import CallerError, InvalidParameter
from darkroom.images.normalise import normalise
from darkroom.images.sniff import sniff
from darkroom.images.workload import Workload
from darkroom.models.image_input import from_base64, is_data_url

MAX_MEGAPIXELS: Final = 64.0
_PARAM: Final = "messages"


def rewritten(body: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The body with its pictures written again, and what was ignored in them, as warnings.

    What is behind https URLs stays as it is: the provider fetches that. So does what is no picture.

    Raises:
        CallerError: a picture is damaged, too large, or of a kind that is not supported; `param` is `messages`.
    """
    work = _Work()
    messages = [work.message(message) for message in body["messages"]]
    return {**body, "messages": messages}, tuple(dict.fromkeys(work.warnings))


def with_own(messages: Sequence[Any], read: Callable[[str], bytes | None]) -> list[Any]:
    """The messages, with data URLs in the place of links by http that lead to pictures of this stack.

    No provider could fetch those: they are a laptop's. What is behind https it can.

    Args:
        read: the picture behind a link of the stack's own; None of another.
    """

    def url_of(url: str) -> str:
        data = read(url) if url[:7].lower() == "http://" else None
        return url if data is None else f"data:image/png;base64,{base64.b64encode(data).decode('ascii')}"

    def part_of(part: Any) -> Any:
        value = part.get("image_url") if isinstance(part, Mapping) else None
        if isinstance(value, str):
            return {**part, "image_url": url_of(value)}
        if isinstance(value, Mapping) and isinstance(value.get("url"), str):
            return {**part, "image_url": {**value, "url": url_of(value["url"])}}
        return part

    def message_of(message: Any) -> Any:
        content = message.get("content") if isinstance(message, Mapping) else None
        return {**message, "content": [*map(part_of, content)]} if isinstance(content, list) else message

    return [*map(message_of, messages)]


class _Work:
    def __init__(self) -> None:
        self.warnings: list[str] = []
        self._workload = Workload()

    def message(self, message: Any) -> Any:
        if not isinstance(message, Mapping):
            return message
        changed = dict(message)
        for name in ("content", "images"):
            parts = message.get(name)
            if isinstance(parts, list):
                changed[name] = [self._part(part) for part in parts]
        return changed

    def _part(self, part: Any) -> Any:
        value = part.get("image_url") if isinstance(part, Mapping) else None
        if isinstance(value, str):
            # OpenAI's chat has an object there; a bare address is the Responses API's.
            url = self._url(value)
            return {**part, "image_url": {"url": url} if part.get("type") == "image_url" else url}
        if isinstance(value, Mapping) and isinstance(value.get("url"), str):
            return {**part, "image_url": {**value, "url": self._url(value["url"])}}
        return part

    def _url(self, url: str) -> str:
        data = _data(url)
        if data is None:
            return url
        try:
            sniff(data)
        except CallerError:
            return url
        try:
            self._workload.add(data, max_megapixels=MAX_MEGAPIXELS)
            picture = normalise(data, max_megapixels=MAX_MEGAPIXELS)
        except CallerError as error:
            error.param = _PARAM
            raise
        self.warnings += picture.warnings
        return f"data:{picture.media_type};base64,{base64.b64encode(picture.data).decode('ascii')}"


def _data(url: str) -> bytes | None:
    """The bytes of a data URL in whichever spelling; None for other URLs and for what cannot be read as one."""
    if not is_data_url(url):
        return None
    try:
        return from_base64(url, _PARAM)
    except InvalidParameter:
        return None
