"""What a chat that is to be answered with a picture says of it: its words, and the pictures to work from."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from darkroom.errors import InvalidParameter
from darkroom.models.image_input import is_data_url


def words_and_pictures(
    messages: Sequence[Mapping[str, Any]], param: str = "messages"
) -> tuple[str, list[dict[str, Any]]]:
    """What the picture is to show, in the words of the instructions and of the users' turns; and what to work from: the
    last message's pictures, or the latest of the conversation where it has none.

    Raises:
        InvalidParameter: a picture is none.
    """
    words = [_words(each) for each in messages if each.get("role") in ("system", "developer", "user")]
    found = (list(_pictures(each, param)) for each in reversed(messages))
    return "\n\n".join(each for each in words if each), next((each for each in found if each), [])


def reference(part: Any, param: str) -> dict[str, Any]:
    """A picture as our edits take it. Raises InvalidParameter."""
    inside = part.get("image_url") if isinstance(part, Mapping) else part
    address = inside.get("url") if isinstance(inside, Mapping) else inside
    if not isinstance(address, str) or not (
        is_data_url(address) or address.lower().startswith(("http://", "https://"))
    ):
        raise InvalidParameter(
            f"`{param}` has a picture that is neither an http(s) URL nor a data URL.",
            fix='Send {"type": "image_url", "image_url": {"url": "data:image/png;base64,…"}}.',
            param=param,
        )
    return {"image_url": address}


def _words(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    parts = content if isinstance(content, list) else [{"text": content}]
    texts = [part.get("text") for part in parts if isinstance(part, Mapping)]
    return "\n".join(text.strip() for text in texts if isinstance(text, str) and text.strip())


def _pictures(message: Mapping[str, Any], param: str) -> Iterator[dict[str, Any]]:
    content, images = message.get("content"), message.get("images")
    for part in (*(content if isinstance(content, list) else ()), *(images if isinstance(images, list) else ())):
        if isinstance(part, Mapping) and part.get("type") == "image_url":
            yield reference(part, param)
