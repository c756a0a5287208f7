"""The input of a response, a list of items, as the messages of a chat."""

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from darkroom.errors import InvalidParameter
from darkroom.errors.names import shown_name
from darkroom.http.schemas.responses import ResponseOrder

ReadFile = Callable[[str, str], bytes]
"""(id, the field it stands in) -> the bytes of a file that is kept here. Raises NotFound, InvalidParameter."""

_ROLES: Final = ("user", "assistant", "system", "developer")
_SEAL: Final = "darkroom:"


def messages_of(order: ResponseOrder, read_file: ReadFile) -> list[dict[str, Any]]:
    """Raises InvalidParameter, NotFound."""
    reader = _Reader(read_file)
    if order.instructions:
        reader.messages.append({"role": "system", "content": order.instructions})
    if isinstance(order.input, str):
        if order.input.strip():
            reader.messages.append({"role": "user", "content": order.input})
        return reader.messages
    for number, item in enumerate(order.input or ()):
        reader.take(item, f"input[{number}]")
    return reader.ended()


def sealed(details: Any) -> str:
    """What a model wants to have back of its reasoning, as the text in which clients carry it."""
    return _SEAL + base64.b64encode(json.dumps(details).encode()).decode()


class _Reader:
    """Gathers what an assistant said and called into one message, as chat has it."""

    def __init__(self, read_file: ReadFile) -> None:
        self.messages: list[dict[str, Any]] = []
        self._read_file = read_file
        self._assistant: dict[str, Any] | None = None
        self._made: list[dict[str, Any]] = []

    def take(self, item: Mapping[str, Any], place: str) -> None:
        kind = item.get("type") or ("message" if "role" in item else None)
        if kind == "message":
            self._message(item, place)
        elif kind in ("function_call", "custom_tool_call"):
            self._called(item, str(kind))
        elif kind in ("function_call_output", "custom_tool_call_output"):
            self._flush()
            output = self._content(item.get("output"), f"{place}.output")
            self.messages.append({"role": "tool", "tool_call_id": str(item.get("call_id")), "content": output})
        elif kind == "reasoning":
            self._reasoned(item)
        elif kind == "image_generation_call":
            self._painted(item, place)
        elif kind == "item_reference":
            raise InvalidParameter(
                "No item is stored here, so none can be referred to.",
                fix="Send the item itself, as it stood in the answer's `output`.",
                param=place,
            )
        else:
            raise InvalidParameter(
                f"An item of type {shown_name(str(kind))!r} is not understood here.",
                fix="Messages, `function_call`, `custom_tool_call`, their outputs, `reasoning` and "
                "`image_generation_call` are.",
                param=place,
            )

    def ended(self) -> list[dict[str, Any]]:
        self._flush()
        self._show_made()
        return self.messages

    def _message(self, item: Mapping[str, Any], place: str) -> None:
        role = item.get("role")
        if role not in _ROLES:
            raise InvalidParameter(
                "A message has no role that there is.", fix=f"Take one of {', '.join(_ROLES)}.", param=f"{place}.role"
            )
        content = self._content(item.get("content"), f"{place}.content")
        if role == "assistant":
            said = _text_of(content)
            before = self._open()
            if before.get("content") or before.get("tool_calls"):
                self._flush()
                before = self._open()
            before["content"] = said
            return
        self._flush()
        if role == "user":
            self._show_made()
        self.messages.append({"role": "system" if role == "developer" else role, "content": content})

    def _content(self, content: Any, place: str) -> Any:
        if content is None or isinstance(content, str):
            return content or ""
        if not isinstance(content, list):
            raise InvalidParameter("The content is neither text nor a list.", fix="Send a list of parts.", param=place)
        parts = [part for each in content for part in self._part(each, place)]
        if all(part["type"] == "text" for part in parts):
            return "".join(part["text"] for part in parts)
        return parts

    def _part(self, part: Any, place: str) -> Iterator[dict[str, Any]]:
        kind = part.get("type") if isinstance(part, Mapping) else None
        if kind in ("input_text", "output_text", "text", "summary_text"):
            yield {"type": "text", "text": str(part.get("text") or "")}
        elif kind == "refusal":
            yield {"type": "text", "text": str(part.get("refusal") or "")}
        elif kind in ("input_image", "image_url"):
            yield {"type": "image_url", "image_url": self._picture(part, place)}
        elif kind == "input_file":
            given = part.get("file_data") or part.get("file_url")
            file = {"filename": part.get("filename") or "file", "file_data": given}
            if not isinstance(given, str):
                raise InvalidParameter("A file has no data.", fix="Send `file_data`, or `file_url`.", param=place)
            yield {"type": "file", "file": file}
        else:
            raise InvalidParameter(
                f"A part of type {shown_name(str(kind))!r} is not understood here.",
                fix="`input_text`, `input_image` and `input_file` are.",
                param=place,
            )

    def _picture(self, part: Mapping[str, Any], place: str) -> dict[str, Any]:
        given = part.get("image_url")
        url = given.get("url") if isinstance(given, Mapping) else given
        if not url and isinstance(part.get("file_id"), str):
            data = self._read_file(part["file_id"], f"{place}.file_id")
            url = f"data:image/png;base64,{base64.b64encode(data).decode()}"
        if not isinstance(url, str) or not url:
            raise InvalidParameter(
                "A picture has no `image_url`.",
                fix="Send an https URL, a data URL, or an upload's `file_id`.",
                param=place,
            )
        detail = part.get("detail")
        return {"url": url, **({"detail": detail} if detail in ("low", "high", "auto") else {})}

    def _called(self, item: Mapping[str, Any], kind: str) -> None:
        name, call_id = str(item.get("name") or ""), str(item.get("call_id") or item.get("id"))
        call: dict[str, Any] = {"id": call_id, "type": "function"}
        if kind == "function_call":
            call["function"] = {"name": name, "arguments": str(item.get("arguments") or "{}")}
        else:
            call |= {"type": "custom", "custom": {"name": name, "input": str(item.get("input") or "")}}
        self._open().setdefault("tool_calls", []).append(call)

    def _reasoned(self, item: Mapping[str, Any]) -> None:
        """What a provider needs back of a model's reasoning goes with what was said after it; summaries go nowhere."""
        given = item.get("encrypted_content")
        if not isinstance(given, str) or not given.startswith(_SEAL):
            return
        try:
            details = json.loads(base64.b64decode(given.removeprefix(_SEAL), validate=True))
        except ValueError:
            return
        self._flush()
        self._open()["reasoning_details"] = details

    def _painted(self, item: Mapping[str, Any], place: str) -> None:
        result = item.get("result")
        if not isinstance(result, str) or not result:
            if item.get("status") == "failed":
                return
            raise InvalidParameter(
                "A picture of an earlier answer has no `result`, and none is stored here by its id.",
                fix="Send the item as it stood in the answer's `output`, with its `result`.",
                param=f"{place}.result",
            )
        url = result if result.startswith("data:") else f"data:image/png;base64,{result}"
        self._made.append({"type": "image_url", "image_url": {"url": url}})

    def _show_made(self) -> None:
        """Pictures belong to a user's message: several models refuse them in an assistant's."""
        if self._made:
            self.messages.append({"role": "user", "content": self._made})
            self._made = []

    def _open(self) -> dict[str, Any]:
        if self._assistant is None:
            self._assistant = {"role": "assistant", "content": None}
        return self._assistant

    def _flush(self) -> None:
        said, self._assistant = self._assistant, None
        if said is not None and (said.get("content") or said.get("tool_calls")):
            self.messages.append(said)


def _text_of(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "".join(part["text"] for part in content if part["type"] == "text")
