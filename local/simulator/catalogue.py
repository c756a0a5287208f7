"""The models on offer, from `catalogue.toml`: what each takes, what it costs, and how the lists describe it."""

import tomllib
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from local.simulator.money import as_string

_FILE = Path(__file__).with_name("catalogue.toml")
_CHAT_PARAMETERS = ["max_tokens", "max_completion_tokens", "response_format", "seed", "stop", "temperature", "top_p"]
Descriptors = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class PriceLine:
    billable: str
    unit: str
    cost_usd: Decimal
    variant: str | None = None
    shown: bool = True

    def to_wire(self) -> dict[str, Any]:
        line: dict[str, Any] = {"billable": self.billable, "unit": self.unit, "cost_usd": self.cost_usd}
        return line if self.variant is None else {**line, "variant": self.variant}


@dataclass(frozen=True)
class Painting:
    """What a model can do on the image route.

    Args:
        n: most pictures at once.
        sizing: how a shape becomes pixels: "google", "openai" or "long_side".
        tokens: how a picture is counted in tokens.
        only_here: chat refuses it.
        unpublished: the lists say nothing about its parameters, endpoints and price.
    """

    references: int = 0
    ratios: tuple[str, ...] = ()
    resolutions: tuple[str, ...] = ()
    qualities: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    backgrounds: tuple[str, ...] = ()
    passthrough: tuple[str, ...] = ()
    n: int = 1
    seed: bool = False
    compression: bool = False
    streams: bool = False
    default_format: str = "png"
    sizing: str = "long_side"
    tokens: str = "flat"
    only_here: bool = False
    unpublished: bool = False

    def descriptors(self, resolutions: tuple[str, ...] = ()) -> Descriptors:
        """The parameters as the image lists describe them."""
        if self.unpublished:
            return {}
        enums = {
            "aspect_ratio": self.ratios,
            "resolution": resolutions or self.resolutions,
            "quality": self.qualities,
            "output_format": self.formats,
            "background": self.backgrounds,
        }
        described: Descriptors = {
            name: {"type": "enum", "values": list(values)} for name, values in enums.items() if values
        }
        described["n"] = {"type": "range", "min": 1, "max": self.n}
        described["input_references"] = {"type": "range", "min": 0, "max": self.references}
        if self.compression:
            described["output_compression"] = {"type": "range", "min": 0, "max": 100}
        if self.seed:
            described["seed"] = {"type": "boolean"}
        return described


@dataclass(frozen=True)
class Model:
    id: str
    name: str
    created: int
    provider: str
    input: tuple[str, ...]
    output: tuple[str, ...]
    slug: str = ""
    context: int = 4096
    max_output: int = 4096
    expires: str | None = None
    text: dict[str, Decimal] = field(default_factory=dict)
    structured: bool = True
    weights: str | None = None
    reasoning: bool = False
    private: bool = False
    routes_to: str | None = None
    image: Painting | None = None
    lines: tuple[PriceLine, ...] = ()
    also: tuple[dict[str, Any], ...] = ()
    hosts: tuple[dict[str, Any], ...] = ()

    @property
    def provider_slug(self) -> str:
        return self.slug or self.provider.lower().replace(" ", "-")

    @property
    def is_free(self) -> bool:
        return self.id.endswith(":free")

    def price(self, name: str) -> Decimal:
        """Dollars per token of text, or per token of a picture in a chat."""
        return max(Decimal(0), self.text.get(name, Decimal(0)))

    def pricing(self) -> dict[str, str]:
        """Prices as `/models` writes them. A model that only paints says "0" here, which is not what it costs."""
        prices = {"prompt": Decimal(0), "completion": Decimal(0), **self.text}
        return {name: as_string(Decimal(price)) for name, price in prices.items()}

    def architecture(self) -> dict[str, Any]:
        return {"input_modalities": list(self.input), "output_modalities": list(self.output)}

    def supported_parameters(self) -> list[str]:
        if "text" not in self.output:
            return ["seed"] if self.image and self.image.seed else []
        more = {"structured_outputs": self.structured, "reasoning": self.reasoning}
        return [*_CHAT_PARAMETERS, *(name for name, has in more.items() if has)]

    def to_wire(self) -> dict[str, Any]:
        """An entry of `/models`."""
        modality = f"{'+'.join(self.input)}->{'+'.join(self.output)}"
        return {
            "id": self.id,
            "canonical_slug": self.id.removesuffix(":free"),
            "hugging_face_id": self.weights,
            "name": self.name,
            "created": self.created,
            "description": f"{self.name}, simulated.",
            "context_length": self.context,
            "architecture": {"modality": modality, **self.architecture(), "tokenizer": "Other", "instruct_type": None},
            "pricing": self.pricing(),
            "top_provider": {
                "context_length": self.context,
                "max_completion_tokens": self.max_output,
                "is_moderated": False,
            },
            "per_request_limits": None,
            "supported_parameters": self.supported_parameters(),
            "default_parameters": {},
            "supported_voices": None,
            "knowledge_cutoff": None,
            "expiration_date": self.expires,
            "links": {"details": f"/api/v1/models/{self.id}/endpoints"},
        }

    def endpoints(self) -> list[dict[str, Any]]:
        """The entries of `/models/…/endpoints`: the source that serves here, and `hosts`, which are only listed."""
        if self.image and self.image.unpublished:
            return []
        own = self.endpoint()
        return [own, *({**own, **_host(each, self.id)} for each in self.hosts)]

    def endpoint(self) -> dict[str, Any]:
        return {
            "name": f"{self.provider} | {self.id}",
            "model_id": self.id,
            "model_name": self.name,
            "provider_name": self.provider,
            "tag": self.provider_slug,
            "quantization": None,
            "context_length": self.context,
            "max_completion_tokens": self.max_output,
            "max_prompt_tokens": None,
            "pricing": self.pricing(),
            "supported_parameters": self.supported_parameters(),
            "status": 0,
            "uptime_last_5m": 100,
            "uptime_last_30m": 100,
            "uptime_last_1d": 99.9,
            "latency_last_30m": {"p50": 0.4, "p75": 0.6, "p90": 0.9, "p99": 1.8},
            "throughput_last_30m": {"p50": 80, "p75": 70, "p90": 55, "p99": 30},
            "supports_implicit_caching": False,
            "supports_image_reference": "image" in self.input,
            "supports_diarization": False,
            "supports_tool_choice": dict.fromkeys(("auto", "function", "none", "required"), False),
            "native_tools": {},
            "service_tier": None,
        }

    def resolutions(self) -> tuple[str, ...]:
        """What any of its endpoints can do."""
        own = self.image.resolutions if self.image else ()
        return max((own, *(tuple(each["resolutions"]) for each in self.also)), key=len)

    def image_entry(self) -> dict[str, Any]:
        """An entry of `/images/models`, which shows what any of its endpoints can do."""
        painting = self.image or Painting()
        return {
            "id": self.id,
            "name": self.name,
            "description": f"{self.name}, simulated.",
            "created": self.created,
            "architecture": self.architecture(),
            "supported_parameters": painting.descriptors(self.resolutions()),
            "supports_streaming": painting.streams,
            "endpoints": f"/api/v1/images/models/{self.id}/endpoints",
        }

    def image_endpoints(self) -> list[dict[str, Any]]:
        """The entries of `/images/models/…/endpoints`."""
        painting = self.image or Painting()
        if painting.unpublished:
            return []
        places = [(self.provider, self.provider_slug, painting.resolutions)]
        places += [(each["provider"], each["slug"], tuple(each["resolutions"])) for each in self.also]
        return [
            {
                "provider_name": provider,
                "provider_slug": slug,
                "provider_tag": slug,
                "supported_parameters": painting.descriptors(resolutions),
                "allowed_passthrough_parameters": list(painting.passthrough),
                "supports_streaming": painting.streams,
                "pricing": [line.to_wire() for line in self.lines if line.shown],
            }
            for provider, slug, resolutions in places
        ]


def _host(given: dict[str, Any], model: str) -> dict[str, Any]:
    """What is another source's own in its entry."""
    return {
        "name": f"{given['provider']} | {model}",
        "provider_name": given["provider"],
        "tag": given["slug"],
        "max_completion_tokens": given["max_output"],
        "pricing": {name: as_string(Decimal(given[name])) for name in ("prompt", "completion")},
    }


@dataclass(frozen=True)
class Dead:
    """A model that is gone."""

    id: str
    why: str
    instead: tuple[str, ...]


@dataclass(frozen=True)
class Catalogue:
    models: dict[str, Model]
    dead: dict[str, Dead]

    def painters(self) -> list[Model]:
        return [model for model in self.models.values() if model.image is not None]


@cache
def load() -> Catalogue:
    with _FILE.open("rb") as file:
        data = tomllib.load(file, parse_float=Decimal)
    models = [_model(entry, data["ratios"]) for entry in data["models"]]
    dead = [Dead(entry["id"], entry["why"], tuple(entry["instead"])) for entry in data["dead"]]
    return Catalogue({model.id: model for model in models}, {each.id: each for each in dead})


def _model(entry: dict[str, Any], ratios: dict[str, list[str]]) -> Model:
    described = _frozen(entry)
    image = described.get("image")
    if image is not None:
        described["image"] = Painting(**{**_frozen(image), "ratios": tuple(ratios.get(image.get("ratios", ""), ()))})
    described["text"] = {name: Decimal(price) for name, price in described.get("text", {}).items()}
    described["lines"] = tuple(
        PriceLine(**{**line, "cost_usd": Decimal(line["cost_usd"])}) for line in described.get("lines", ())
    )
    return Model(**described)


def _frozen(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in entry.items()}
