"""A request of OpenAI's Responses API as the chat that it asks for, and the pictures that it may ask for.

https://platform.openai.com/docs/api-reference/responses/create. Nothing is stored here, so a conversation comes whole,
as `input`; what would need something stored is refused before anything is spent.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from darkroom.errors import InvalidParameter, InvalidPrompt
from darkroom.errors.names import shown_name
from darkroom.http.app import validated
from darkroom.http.doors.pictures_in_chat import words_and_pictures
from darkroom.http.doors.responses_input import ReadFile, messages_of
from darkroom.http.schemas.responses import ResponseOrder
from darkroom.models.completion_body import CompletionBody
from darkroom.models.image_input import edit_fields
from darkroom.models.image_request import EditRequest, ImageRequest

MOST_PICTURES: Final = 4
_TOOL: Final = "image_generation"
_OTHER_NAME: Final = "darkroom_image_generation"
_WITHOUT_STORE: Final = (
    "Send the whole conversation as `input`: the earlier items, with those of each answer's `output`, and the new one."
)
# Chat has these by the same name, and they are passed on.
_SAME: Final = ("temperature", "top_p", "parallel_tool_calls")
# Read here, or of no use to a chat; all others are passed on as they came.
_READ: Final = frozenset(ResponseOrder.model_fields)
_OF_PICTURES: Final = (
    *("model", "size", "quality", "background", "output_format", "output_compression", "moderation", "input_fidelity"),
    *("partial_images", "n"),
)
_EFFORTS: Final = ("none", "minimal", "low", "medium", "high", "xhigh", "max")


class PictureTool(Struct, frozen=True):
    """How pictures are to be made.

    Args:
        name: by which the model calls the tool.
        fields: of each picture's request, but for its words.
        words: of the conversation, for where no model has written others.
        pictures: that an edit begins with, as edits take them.
        action: `generate`, `edit`, or `auto`.
    """

    name: str
    fields: Mapping[str, Any]
    words: str
    pictures: tuple[Mapping[str, Any], ...]
    action: str
    mask: Any = None
    most: int = MOST_PICTURES

    def is_edit(self, chosen: object) -> bool:
        wanted = self.action if self.action != "auto" else chosen
        return bool(self.pictures) and wanted != "generate"

    @property
    def estimated(self) -> dict[str, Any]:
        """A picture as the calculator takes it."""
        asked = {"prompt": self.words[:1000] or "A picture", **self.fields}
        return {
            **asked,
            **({"for": "edit", "references": len(self.pictures)} if self.is_edit(None) else {"for": "generate"}),
        }

    def request(self, words: str, chosen: object = None, *, max_cost_usd: Any = None) -> ImageRequest:
        """Raises InvalidParameter.

        Args:
            chosen: `generate` or `edit`, as the model would have it.
        """
        fields = {**self.fields, "prompt": words, "response_format": "b64_json"}
        if max_cost_usd is not None:
            fields["max_cost_usd"] = max_cost_usd
        if self.is_edit(chosen):
            mask = {} if self.mask is None else {"mask": self.mask}
            return validated(EditRequest, edit_fields({**fields, **mask, "images": list(self.pictures)}))
        return validated(ImageRequest, fields)


class Asked(Struct, frozen=True):
    """A request that was understood.

    Args:
        body: for the chat.
        picture: None where no picture can come of it.
        is_forced: a picture is wanted whatever a model would say, so none is asked.
    """

    order: ResponseOrder
    body: CompletionBody
    picture: PictureTool | None
    is_forced: bool
    warnings: tuple[str, ...] = ()

    @property
    def wants_reasoning_back(self) -> bool:
        return "reasoning.encrypted_content" in (self.order.include or ())


def understood(fields: Mapping[str, Any], read_file: ReadFile) -> Asked:
    """Args: read_file: the bytes of an upload, or of another file that is known by an id.

    Raises:
        InvalidParameter, InvalidPrompt: it is not to be had here, or is not understood.
    """
    order = validated(ResponseOrder, fields)
    _require_stateless(order)
    messages = messages_of(order, read_file)
    tools, given = _tools(order.tools or ())
    name = _OTHER_NAME if any(_name_of(tool) == _TOOL for tool in tools) else _TOOL
    picture = None if given is None else _picture(order, given, name, messages)
    is_forced = picture is not None and _is_forced(order, tools)
    if picture is not None:
        # Wrong fields are found before a model is paid for calling the tool.
        picture.request(picture.words[:1000] or "A picture")
        tools = [*tools, _as_function(picture)]
    if not messages:
        raise InvalidPrompt("The input says nothing.", fix="Send text, or a user's message, as `input`.", param="input")
    body = {
        "messages": messages,
        "model": order.model,
        "max_completion_tokens": order.max_output_tokens,
        "max_cost_usd": order.max_cost_usd,
        **{name: value for name in _SAME if (value := getattr(order, name)) is not None},
        **_words_of(order),
        **{name: value for name, value in (order.model_extra or {}).items() if name not in _READ and value is not None},
    }
    if tools:
        body |= {"tools": tools, **_choice(order.tool_choice, name)}
    # Pictures come by the tool.
    asked = validated(CompletionBody, {name: value for name, value in body.items() if value is not None})
    return Asked(order, asked, picture, is_forced, _warnings(order))


def _require_stateless(order: ResponseOrder) -> None:
    if order.previous_response_id:
        raise InvalidParameter(
            "No response is stored here, so there is none to go on from.",
            fix=_WITHOUT_STORE,
            param="previous_response_id",
        )
    if order.conversation:
        raise InvalidParameter("No conversation of this API is stored here.", fix=_WITHOUT_STORE, param="conversation")
    if order.background:
        raise InvalidParameter(
            "A response is not made in the background, for none is stored.",
            fix="Leave `background` out, and wait or stream; POST /v1/images/generations makes jobs.",
            param="background",
        )
    if order.prompt:
        raise InvalidParameter(
            "Prompts are not stored here.", fix="Send their text as `instructions` and `input`.", param="prompt"
        )


def _tools(given: Sequence[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], Mapping[str, Any] | None]:
    """The tools as chat has them, and the one that makes pictures. Raises InvalidParameter."""
    found: list[dict[str, Any]] = []
    picture = None
    for number, tool in enumerate(given):
        kind = tool.get("type")
        if kind == _TOOL:
            picture = tool
        elif kind in ("function", "custom") and isinstance(tool.get(str(kind)), Mapping):
            # As chat has it already.
            found.append(dict(tool))
        elif kind in ("function", "custom"):
            names = ("name", "description", "parameters", "strict", "format")
            inside = {name: tool[name] for name in names if tool.get(name) is not None}
            found.append({"type": kind, kind: inside})
        else:
            raise InvalidParameter(
                f"Tools of type {shown_name(str(kind))!r} are not carried out here.",
                fix="Take `function`, `custom` or `image_generation`, and carry the others out yourself, as functions.",
                param=f"tools[{number}].type",
            )
    return found, picture


def _name_of(tool: Mapping[str, Any]) -> object:
    inside = tool.get(str(tool.get("type")))
    return inside.get("name") if isinstance(inside, Mapping) else None


def _picture(
    order: ResponseOrder, tool: Mapping[str, Any], name: str, messages: Sequence[Mapping[str, Any]]
) -> PictureTool:
    words, pictures = words_and_pictures(messages, param="input")
    action = tool.get("action") or "auto"
    if action not in ("auto", "generate", "edit"):
        raise InvalidParameter(
            "`action` is none.", fix="Take `auto`, `generate` or `edit`.", param="tools.image_generation.action"
        )
    if action == "edit" and not pictures:
        raise InvalidParameter(
            "There is no picture to edit in the input.",
            fix='Send it as {"type": "input_image", "image_url": "data:image/png;base64,…"}.',
            param="input",
        )
    mask = tool.get("input_image_mask")
    given = {name: tool[name] for name in _OF_PICTURES if tool.get(name) is not None}
    extra = order.model_extra or {}
    shared = {name: extra[name] for name in ("user", "safety_identifier", "zdr") if extra.get(name) is not None}
    kept = order.max_tool_calls
    return PictureTool(
        name=name,
        fields={**shared, **given},
        words=words,
        pictures=tuple(pictures),
        action=action,
        mask=mask if isinstance(mask, str | Mapping) and mask else None,
        most=MOST_PICTURES if kept is None else min(kept, MOST_PICTURES),
    )


def _as_function(picture: PictureTool) -> dict[str, Any]:
    """The tool as the model is told of it."""
    properties: dict[str, Any] = {
        "prompt": {"type": "string", "description": "Everything that the picture is to show, in full sentences."}
    }
    what = "Makes a picture and shows it to the user."
    if picture.pictures and picture.action == "auto":
        what = "Makes a picture, or changes those that the user has sent, and shows it to the user."
        properties["action"] = {
            "type": "string",
            "enum": ["generate", "edit"],
            "description": "`edit` changes the pictures of the conversation; `generate` begins with none.",
        }
    elif picture.action == "edit":
        what = "Changes the pictures that the user has sent, and shows the result to the user."
    schema = {"type": "object", "properties": properties, "required": ["prompt"], "additionalProperties": False}
    return {"type": "function", "function": {"name": picture.name, "description": what, "parameters": schema}}


def _is_forced(order: ResponseOrder, others: Sequence[Any]) -> bool:
    choice = order.tool_choice
    if isinstance(choice, Mapping):
        named = [choice, *(choice.get("tools") or ())] if choice.get("mode") == "required" else [choice]
        return any(isinstance(each, Mapping) and each.get("type") == _TOOL for each in named) and len(named) <= 2
    return choice == "required" and not others


def _choice(given: str | Mapping[str, Any] | None, picture: str) -> dict[str, Any]:
    """`tool_choice` as chat has it."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        return {"tool_choice": given}
    kind = given.get("type")
    if kind in ("function", "custom"):
        inside = given.get(str(kind))
        name = inside.get("name") if isinstance(inside, Mapping) else given.get("name")
        return {"tool_choice": {"type": kind, kind: {"name": name}}}
    if kind == _TOOL:
        return {"tool_choice": {"type": "function", "function": {"name": picture}}}
    if kind == "allowed_tools":
        allowed = [_choice(each, picture).get("tool_choice") for each in given.get("tools") or ()]
        told = {"mode": given.get("mode") or "auto", "tools": [each for each in allowed if each]}
        return {"tool_choice": {"type": "allowed_tools", "allowed_tools": told}}
    raise InvalidParameter(
        f"`tool_choice` of type {shown_name(str(kind))!r} is not understood.",
        fix='Take "auto", "none", "required", or {"type": "function", "name": "…"}.',
        param="tool_choice",
    )


def _words_of(order: ResponseOrder) -> dict[str, Any]:
    """How the model is to think and write, as chat has it. Raises InvalidParameter."""
    found: dict[str, Any] = {}
    effort = (order.reasoning or {}).get("effort")
    if effort is not None:
        if effort not in _EFFORTS:
            raise InvalidParameter(
                "`reasoning.effort` is none.", fix=f"Take one of {', '.join(_EFFORTS)}.", param="reasoning.effort"
            )
        found["reasoning_effort"] = effort
    text = order.text or {}
    shape = text.get("format")
    kind = shape.get("type") if isinstance(shape, Mapping) else None
    if isinstance(shape, Mapping) and kind == "json_schema":
        names = ("name", "description", "schema", "strict")
        schema = {name: shape[name] for name in names if shape.get(name) is not None}
        found["response_format"] = {"type": "json_schema", "json_schema": schema}
    elif isinstance(shape, Mapping) and kind != "text":
        found["response_format"] = dict(shape)
    if text.get("verbosity") is not None:
        found["verbosity"] = text["verbosity"]
    if order.top_logprobs or "message.output_text.logprobs" in (order.include or ()):
        found |= {"logprobs": True, **({"top_logprobs": order.top_logprobs} if order.top_logprobs else {})}
    return found


def _warnings(order: ResponseOrder) -> tuple[str, ...]:
    said = []
    if order.store:
        said.append("`store` does nothing: no response is kept. Its jobs are, as GET /v1/jobs shows.")
    if order.truncation == "auto":
        said.append("`truncation` does nothing: the model gets the whole input.")
    return tuple(said)
