"""What a request for a chat's next message asks for, checked as the service checks it."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from PIL import Image

from local.simulator import errors
from local.simulator.catalogue import Catalogue, Model
from local.simulator.costs import shown_tokens, text_tokens
from local.simulator.errors import Refusal
from local.simulator.image_request import find_model, load_image, seed_of


@dataclass(frozen=True)
class ChatRequest:
    """A chat's request.

    Args:
        schema: the JSON schema that the answer must follow.
        json_only: the answer must be JSON, whatever its schema.
        paints: pictures are wanted.
    """

    model: Model
    messages: tuple[dict[str, Any], ...]
    prompt_tokens: int
    max_tokens: int
    ratio: str = "auto"
    resolution: str = "1K"
    schema: Mapping[str, Any] | None = None
    json_only: bool = False
    paints: bool = False
    stream: bool = False
    seed: int | None = None
    pictures: tuple[Image.Image, ...] = field(default=())

    @property
    def prompt(self) -> str:
        """What was said last."""
        said = [text_of(message) for message in self.messages if message.get("role") == "user"]
        return said[-1] if said else ""


@errors.checked
def parse(data: Mapping[str, Any], catalogue: Catalogue, *, refused: Collection[str] = frozenset()) -> ChatRequest:
    """The request behind a body.

    Args:
        refused: models that do not serve now.

    Raises:
        Refusal: it cannot be served.
    """
    messages = data.get("messages")
    if not isinstance(messages, list) or not messages or not all(isinstance(each, dict) for each in messages):
        raise Refusal(400, 'Input required: specify "prompt" or "messages"')
    model = _choose(data, catalogue, refused)
    paints = _wants_pictures(data, model)
    urls = [url for message in messages for url in pictures_of(message)]
    if urls and "image" not in model.input:
        raise Refusal(404, "No endpoints found that support image input")
    _check_policy(data, model)
    config = data.get("image_config") or {}
    size = {"0.5K": "512"}.get(config.get("image_size", "1K"), config.get("image_size", "1K"))
    form = data.get("response_format") or {}
    schema = (form.get("json_schema") or {}).get("schema") if form.get("type") == "json_schema" else None
    if form.get("type") == "json_schema" and not isinstance(schema, dict):
        raise errors.zod("Invalid input: expected object", "response_format", "json_schema", "schema")
    if schema is not None and not model.structured and (data.get("provider") or {}).get("require_parameters"):
        raise Refusal(404, "No endpoints found that can handle the requested parameters.")
    said = "".join(text_of(message) for message in messages)
    shown = tuple(load_image(url) for url in urls)
    return ChatRequest(
        model=model,
        messages=tuple(messages),
        prompt_tokens=text_tokens(said + _beside(data)) + shown_tokens(model, [each.size for each in shown]),
        max_tokens=_most_tokens(data, model),
        ratio=config.get("aspect_ratio") or "auto",
        resolution=size,
        schema=schema if model.structured else None,
        json_only=form.get("type") == "json_object",
        paints=paints,
        stream=bool(data.get("stream")),
        seed=seed_of(data),
        pictures=shown,
    )


def _beside(data: Mapping[str, Any]) -> str:
    """What a model reads beside the words of the messages: tools, the calls of them, and the schema of its answer."""
    calls = [message["tool_calls"] for message in data["messages"] if message.get("tool_calls")]
    schema = (data.get("response_format") or {}).get("json_schema")
    return "".join(json.dumps(each) for each in (data.get("tools"), *calls, schema) if each)


def text_of(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, list):
        return " ".join(str(part.get("text", "")) for part in content if part.get("type") == "text")
    return content if isinstance(content, str) else ""


def pictures_of(message: Mapping[str, Any]) -> list[str]:
    """The addresses of the pictures in a message.

    Raises:
        Refusal: an assistant's message has some, which several providers do not take.
    """
    content = message.get("content")
    if not isinstance(content, list):
        return []
    urls = [part["image_url"]["url"] for part in content if isinstance(part, dict) and part.get("type") == "image_url"]
    if urls and message.get("role") == "assistant":
        raise Refusal(400, "Provider returned error", metadata={"raw": "Image URLs are only allowed for user messages"})
    return urls


def _choose(data: Mapping[str, Any], catalogue: Catalogue, refused: Collection[str]) -> Model:
    """The first of the models that were named which can answer; what the first one lacks is told when none can."""
    asked = [name for name in (data.get("model"), *(data.get("models") or [])) if isinstance(name, str)]
    names = [name for name in asked if name not in refused]
    if not names:
        raise Refusal(400, "No models provided")
    first: Refusal | None = None
    for name in names:
        try:
            model = find_model(catalogue, name)
            if model.image is not None and (model.image.only_here or ("text" not in model.output and not _asks(data))):
                raise errors.wrong_door(name)
            return model
        except Refusal as refusal:
            first = first or refusal
    raise first or errors.not_found()


def _asks(data: Mapping[str, Any]) -> bool:
    return "image" in (data.get("modalities") or [])


def _wants_pictures(data: Mapping[str, Any], model: Model) -> bool:
    """Whether the answer has pictures; a model that talks and paints does so unless only text was asked for."""
    modalities = data.get("modalities")
    if modalities is None:
        return "image" in model.output and model.image is not None
    if "image" in modalities and "image" not in model.output:
        raise errors.no_such_output(", ".join(modalities))
    if "text" in modalities and "text" not in model.output:
        raise errors.no_such_output(", ".join(modalities))
    return "image" in modalities


def _check_policy(data: Mapping[str, Any], model: Model) -> None:
    limits = (data.get("provider") or {}).get("max_price") or {}
    for name in ("prompt", "completion"):
        if name in limits and model.price(name) * 1_000_000 > Decimal(str(limits[name])):
            raise Refusal(404, f"No endpoints found that serve {model.id} at that price.")
    if (data.get("provider") or {}).get("data_collection") == "deny" and model.is_free:
        raise errors.data_policy()


def _most_tokens(data: Mapping[str, Any], model: Model) -> int:
    """How many tokens of an answer are reserved: all the model can, unless fewer were asked for."""
    asked = data.get("max_completion_tokens") or data.get("max_tokens") or model.max_output
    return min(int(asked), model.max_output)
