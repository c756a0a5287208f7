"""What a model says, as the items of a response, and the events by which a stream tells of them.

    event: response.output_text.delta
    data: {"type": "response.output_text.delta", "sequence_number": 4, "item_id": "msg_…", "output_index": 0, …}

https://platform.openai.com/docs/api-reference/responses-streaming. One `Output` is fed with the deltas of a chat as
they come, or with a message that is whole; either way the same items come of it.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from msgspec import Struct, field

from darkroom.http.doors.responses_input import sealed

Tell = Callable[[str, Mapping[str, Any]], None]
"""(type of an event, its fields but for type and number)"""

_REASONING: Final = ("reasoning", "reasoning_content")


class _Item(Struct):
    """Args: value: as it stands in the output, but for what is still gathered."""

    index: int
    value: dict[str, Any]
    text: list[str] = field(default_factory=list)
    part: str = ""
    is_open: bool = True

    @property
    def place(self) -> dict[str, Any]:
        return {"item_id": self.value["id"], "output_index": self.index}


class Output:
    """Args:
    suffix: of the ids of the items.
    picture: the name of the tool that makes pictures.
    tell: hears of each event.
    seals: whether what a provider needs back of the reasoning is asked for.
    """

    def __init__(self, suffix: str, picture: str | None, tell: Tell, *, seals: bool = False) -> None:
        self._suffix = suffix
        self._picture = picture
        self._tell = tell
        self._seals = seals
        self._items: list[_Item] = []
        self._calls: dict[int, _Item] = {}
        self._details: list[Any] = []
        self._saying: _Item | None = None

    @property
    def has_begun(self) -> bool:
        return bool(self._items)

    @property
    def value(self) -> list[dict[str, Any]]:
        return [item.value for item in self._items]

    @property
    def text(self) -> str:
        parts = [part for item in self.value if item["type"] == "message" for part in item["content"]]
        return "".join(part.get("text", "") for part in parts)

    @property
    def picture_calls(self) -> list[tuple[int, str]]:
        """Of the tool that makes pictures: where in the output each is, and its arguments, JSON if all is well."""
        kind = "image_generation_call"
        return [(item.index, "".join(item.text)) for item in self._items if item.value["type"] == kind]

    def feed(self, delta: Mapping[str, Any], logprobs: Any = None) -> None:
        """Args: delta: of one choice of a chunk; or a message that is whole."""
        reasoning = next((delta[name] for name in _REASONING if isinstance(delta.get(name), str) and delta[name]), "")
        if reasoning:
            self._say("reasoning", reasoning)
        self._details += _listed(delta.get("reasoning_details"))
        for name in ("content", "refusal"):
            if said := _text(delta.get(name)):
                self._say("message", said, part="output_text" if name == "content" else "refusal")
                self._note(delta, logprobs)
        for place, call in enumerate(_listed(delta.get("tool_calls"))):
            if isinstance(call, Mapping):
                index = call.get("index")
                self._call(call, index if isinstance(index, int) else place)

    def end_words(self, *, status: str = "completed") -> None:
        """Closes what is open, but for pictures: they are yet to be made. Args: status: of the last thing said."""
        for item in self._items:
            if item.is_open and item.value["type"] != "image_generation_call":
                self._close(item, status if item is self._items[-1] else "completed")

    def add_picture(self) -> int:
        """Begins a picture that no model was asked about; its place."""
        return self._paint().index

    def impress(self, index: int, fields: Mapping[str, Any]) -> None:
        """Tells of a first impression of a picture."""
        self._tell("response.image_generation_call.partial_image", {**self._items[index].place, **fields})

    def painting(self, index: int) -> None:
        self._tell("response.image_generation_call.generating", self._items[index].place)

    def end_picture(self, index: int, fields: Mapping[str, Any]) -> None:
        """Args: fields: of the item, with its `status`."""
        item = self._items[index]
        item.value.update(fields)
        item.is_open = False
        if item.value["status"] == "completed":
            self._tell("response.image_generation_call.completed", item.place)
        self._tell("response.output_item.done", {"output_index": index, "item": item.value})

    def _begin(self, prefix: str, value: Mapping[str, Any]) -> _Item:
        index = len(self._items)
        item = _Item(index, {"id": f"{prefix}_{self._suffix}{index:02d}", **value})
        self._items.append(item)
        self._tell("response.output_item.added", {"output_index": index, "item": dict(item.value)})
        return item

    def _say(self, kind: str, text: str, *, part: str = "summary_text") -> None:
        item = self._saying
        if item is None or item.value["type"] != kind or item.part != part or not item.is_open:
            self._hush()
            item = self._saying = self._begin_saying(kind, part)
        item.text.append(text)
        told = {"delta": text, **_at(item)}
        self._tell(f"response.{_NAMES[part]}.delta", {**told, "logprobs": []} if part == "output_text" else told)

    def _begin_saying(self, kind: str, part: str) -> _Item:
        if kind == "reasoning":
            item = self._begin("rs", {"type": "reasoning", "summary": []})
        else:
            item = self._begin("msg", {"type": "message", "status": "in_progress", "role": "assistant", "content": []})
        item.part = part
        self._tell(f"response.{_PARTS[part]}.added", {**_at(item), "part": _part(part, "")})
        return item

    def _note(self, delta: Mapping[str, Any], logprobs: Any) -> None:
        """What stands beside words: where they are from, and how likely each was."""
        item = self._saying
        if item is None:
            return
        item.value.setdefault("_annotations", []).extend(
            {"type": "url_citation", **told["url_citation"]}
            for told in _listed(delta.get("annotations"))
            if isinstance(told, Mapping) and isinstance(told.get("url_citation"), Mapping)
        )
        if isinstance(logprobs, Mapping):
            item.value.setdefault("_logprobs", []).extend(_listed(logprobs.get("content")))

    def _hush(self) -> None:
        if self._saying is not None and self._saying.is_open:
            self._close(self._saying, "completed")

    def _call(self, call: Mapping[str, Any], index: int) -> None:
        inside = call.get("function") or call.get("custom")
        told = inside if isinstance(inside, Mapping) else {}
        item = self._calls.get(index)
        if item is None:
            self._hush()
            item = self._calls[index] = self._begin_call(call, told, is_custom="custom" in call)
        given = told.get("arguments") if told.get("arguments") is not None else told.get("input")
        if isinstance(given, str) and given:
            item.text.append(given)
            if item.value["type"] != "image_generation_call":
                self._tell(f"response.{_NAMES[item.value['type']]}.delta", {**item.place, "delta": given})

    def _begin_call(self, call: Mapping[str, Any], told: Mapping[str, Any], *, is_custom: bool) -> _Item:
        name = str(told.get("name") or "")
        if name and name == self._picture:
            return self._paint()
        known = {"status": "in_progress", "call_id": str(call.get("id") or f"call_{self._suffix}"), "name": name}
        if is_custom:
            return self._begin("ctc", {"type": "custom_tool_call", **known, "input": ""})
        return self._begin("fc", {"type": "function_call", **known, "arguments": ""})

    def _paint(self) -> _Item:
        item = self._begin("ig", {"type": "image_generation_call", "status": "in_progress", "result": None})
        self._tell("response.image_generation_call.in_progress", item.place)
        return item

    def _close(self, item: _Item, status: str) -> None:
        item.is_open = False
        text = "".join(item.text)
        for name, told in self._ending(item, text):
            self._tell(name, told)
        value = item.value
        annotations, logprobs = value.pop("_annotations", []), value.pop("_logprobs", [])
        if value["type"] == "reasoning":
            value["summary"] = [_part(item.part, text)]
            if self._seals and self._details:
                value["encrypted_content"] = sealed(self._details)
        elif value["type"] == "message":
            part = _part(item.part, text)
            if item.part == "output_text":
                part |= {"annotations": annotations, "logprobs": logprobs}
            value |= {"status": status, "content": [part]}
        else:
            value |= {"status": status, "input" if value["type"] == "custom_tool_call" else "arguments": text}
        self._tell("response.output_item.done", {"output_index": item.index, "item": value})

    def _ending(self, item: _Item, text: str) -> Iterator[tuple[str, dict[str, Any]]]:
        if item.part:
            at = _at(item)
            end = {"refusal": text} if item.part == "refusal" else {"text": text}
            more: dict[str, Any] = {"logprobs": item.value.get("_logprobs", [])} if item.part == "output_text" else {}
            yield f"response.{_NAMES[item.part]}.done", {**at, **end, **more}
            yield f"response.{_PARTS[item.part]}.done", {**at, "part": _part(item.part, text)}
        elif item.value["type"] == "custom_tool_call":
            yield "response.custom_tool_call_input.done", {**item.place, "input": text}
        else:
            told = {**item.place, "name": item.value["name"], "arguments": text}
            yield "response.function_call_arguments.done", told


_NAMES: Final = {
    "summary_text": "reasoning_summary_text",
    "output_text": "output_text",
    "refusal": "refusal",
    "function_call": "function_call_arguments",
    "custom_tool_call": "custom_tool_call_input",
}
_PARTS: Final = {
    "summary_text": "reasoning_summary_part",
    "output_text": "content_part",
    "refusal": "content_part",
}


def _at(item: _Item) -> dict[str, Any]:
    return {**item.place, ("summary_index" if item.part == "summary_text" else "content_index"): 0}


def _part(kind: str, text: str) -> dict[str, Any]:
    if kind == "refusal":
        return {"type": kind, "refusal": text}
    more: dict[str, Any] = {"annotations": [], "logprobs": []} if kind == "output_text" else {}
    return {"type": kind, "text": text, **more}


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    parts = [part.get("text") for part in _listed(value) if isinstance(part, Mapping)]
    return "".join(part for part in parts if isinstance(part, str))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
