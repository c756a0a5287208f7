"""What a request for pictures asks for, checked as the service checks it."""

import base64
import binascii
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
from PIL import Image, UnidentifiedImageError

from local.simulator import errors, sizes
from local.simulator.catalogue import Catalogue, Model
from local.simulator.errors import Refusal, bad_image, incapable, zod

_DATA_URL = re.compile(r"data:(image/[\w.+-]+);base64,(.*)", re.DOTALL)
_MOST_REFERENCES = 16
_FORMATS = ("png", "jpeg", "webp", "svg")
_QUALITIES = ("auto", "low", "medium", "high", "xhigh", "max")
_BACKGROUNDS = ("auto", "transparent", "opaque")
_DOWNLOAD_SECONDS = 10


@dataclass(frozen=True)
class ImageRequest:
    model: Model
    prompt: str
    size: tuple[int, int]
    resolution: str
    quality: str
    format: str
    background: str
    n: int = 1
    seed: int | None = None
    compression: int | None = None
    stream: bool = False
    references: tuple[Image.Image, ...] = ()


@errors.checked
def parse(data: Mapping[str, Any], catalogue: Catalogue) -> ImageRequest:
    """The request behind a body.

    Raises:
        Refusal: it cannot be served.
    """
    prompt, name = _required(data, "prompt"), _required(data, "model")
    _check_types(data)
    model = find_model(catalogue, name)
    if model.image is None:
        raise Refusal(400, f"`{name}` is not an image generation model and cannot be used with the images endpoint.")
    n = data.get("n") or 1
    urls = references_of(data)
    ratio, resolution, size = _shape(data, model)
    _check_capabilities(data, model, n, len(urls), resolution)
    references = tuple(load_image(url) for url in urls)
    if size is None and ratio == "auto" and references and model.image.sizing != "openai":
        # Nothing was said of the shape: it stays the input's.
        size = sizes.fit(references[0].width / references[0].height, sizes.TIERS.get(resolution, 1024))
    background = data.get("background") or "auto"
    chosen = data.get("output_format") or model.image.default_format
    if background == "transparent" and chosen == "jpeg":
        raise incapable(model.id, model.provider, "background", "transparent", "requires output_format png or webp")
    _check_options(data, model)
    return ImageRequest(
        model=model,
        prompt=prompt,
        size=size or sizes.pixels(model.image, ratio, resolution),
        resolution=resolution,
        quality=data.get("quality") or "auto",
        format=chosen,
        background=background,
        n=n,
        seed=seed_of(data),
        compression=data.get("output_compression"),
        stream=bool(data.get("stream")) and model.image.streams,
        references=references,
    )


def seed_of(data: Mapping[str, Any]) -> int | None:
    """As the painter takes it, which knows none below zero.

    Raises:
        Refusal: it is no whole number.
    """
    seed = data.get("seed")
    if seed is None:
        return None
    if not isinstance(seed, int) or isinstance(seed, bool):
        raise zod(f"Invalid input: expected int, received {_kind(seed)}", "seed", code="invalid_type")
    return seed % 2**64


def find_model(catalogue: Catalogue, name: str) -> Model:
    """The model of that id.

    Raises:
        Refusal: there is none, or no longer.
    """
    model = catalogue.models.get(name)
    if model is not None:
        return catalogue.models[model.routes_to] if model.routes_to else model
    dead = catalogue.dead.get(name)
    if dead is not None:
        raise errors.gone_model(name, dead.why, dead.instead)
    raise errors.unknown_model(name)


def load_image(url: str) -> Image.Image:
    """The picture behind a data URL, or behind an address on this machine.

    Raises:
        Refusal: there is none.
    """
    match = _DATA_URL.fullmatch(url)
    try:
        content = base64.b64decode(match[2], validate=True) if match else _download(url)
        picture = Image.open(io.BytesIO(content))
        picture.load()
    except binascii.Error:
        raise bad_image("invalid_image", "Invalid base64 in image data URL") from None
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError):
        raise bad_image("invalid_image", "The image could not be read") from None
    return picture


def references_of(data: Mapping[str, Any]) -> list[str]:
    """The addresses of the pictures that are sent along."""
    references = data.get("input_references") or []
    if not isinstance(references, list):
        raise zod("Invalid input: expected array", "input_references", code="invalid_type")
    if len(references) > _MOST_REFERENCES:
        raise zod("Too big: expected array to have <=16 items", "input_references", code="too_big")
    urls = []
    for place, part in enumerate(references):
        url = part.get("image_url", {}).get("url") if isinstance(part, dict) else None
        if not isinstance(url, str) or part.get("type") != "image_url":
            raise zod("Invalid input", "input_references", str(place), code="invalid_union")
        urls.append(url)
    return urls


def _download(url: str) -> bytes:
    """Nothing outside this machine is ever asked."""
    if urlsplit(url).hostname not in ("127.0.0.1", "localhost", "::1"):
        raise bad_image("image_download_failed", f"The simulator does not download from {urlsplit(url).hostname}")
    try:
        return httpx.get(url, timeout=_DOWNLOAD_SECONDS, trust_env=False).raise_for_status().content
    except httpx.HTTPError as error:
        raise bad_image("image_download_failed", f"Failed to download image: {error}") from error


def _required(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    if not isinstance(value, str):
        raise zod(f"Invalid input: expected string, received {_kind(value)}", name, code="invalid_type")
    if not value:
        raise zod("Too small: expected string to have >=1 characters", name, code="too_small")
    return value


def _check_types(data: Mapping[str, Any]) -> None:
    n = data.get("n")
    if n is not None and (not isinstance(n, int) or isinstance(n, bool) or not 1 <= n <= 10):
        raise zod("Invalid input: expected int from 1 to 10", "n", code="invalid_type")
    for name, values in {
        "aspect_ratio": sizes.RATIOS,
        "resolution": tuple(sizes.TIERS),
        "quality": _QUALITIES,
        "output_format": _FORMATS,
        "background": _BACKGROUNDS,
    }.items():
        if data.get(name) is not None and data[name] not in values:
            raise zod(f"Invalid option: expected one of {'|'.join(values)}", name, code="invalid_value")
    compression = data.get("output_compression")
    if compression is not None and (not isinstance(compression, int) or not 0 <= compression <= 100):
        raise zod("Invalid input: expected int from 0 to 100", "output_compression", code="invalid_type")


def _shape(data: Mapping[str, Any], model: Model) -> tuple[str, str, tuple[int, int] | None]:
    """Ratio, tier, and the pixels when they were given, which then decide."""
    ratio, resolution = data.get("aspect_ratio") or "auto", data.get("resolution") or ""
    size = data.get("size")
    if size is None or size == "auto":
        return ratio, resolution or "1K", None
    if size in sizes.TIERS:
        if resolution not in ("", size):
            raise Refusal(400, f'`size` "{size}" contradicts `resolution` "{resolution}"')
        return ratio, size, None
    given = sizes.parse_pixels(size) if isinstance(size, str) else None
    if given is None:
        raise zod('Invalid size: expected a tier such as "2K", or pixels such as "2048x2048"', "size")
    if max(given) > sizes.MOST or min(given) < 64:
        raise incapable(model.id, model.provider, "size", size, "out of range")
    tier = next((tier for tier, pixels in sizes.TIERS.items() if max(given) <= pixels), "4K")
    if (resolution and sizes.TIERS[resolution] != sizes.TIERS[tier]) or not _has_shape(given, ratio):
        raise Refusal(400, f'`size` "{size}" contradicts `resolution` or `aspect_ratio`')
    return ratio, tier, given


def _has_shape(size: tuple[int, int], ratio: str) -> bool:
    if ratio == "auto":
        return True
    across, _, down = ratio.partition(":")
    wanted, given = float(across) / float(down), size[0] / size[1]
    return abs(wanted - given) / wanted < 0.05


def _check_capabilities(data: Mapping[str, Any], model: Model, n: int, references: int, resolution: str) -> None:
    painting = model.image
    if painting is None or painting.unpublished:
        return
    if n > painting.n:
        most = "must be exactly 1" if painting.n == 1 else f"must be between 1 and {painting.n}"
        raise incapable(model.id, model.provider, "n", n, most)
    if references > painting.references:
        reason = f"must be between 0 and {painting.references}"
        raise incapable(model.id, model.provider, "input_references", references, reason)
    asked = {
        "aspect_ratio": (data.get("aspect_ratio"), painting.ratios),
        "resolution": (resolution if resolution != "1K" else data.get("resolution"), model.resolutions()),
        "quality": (data.get("quality"), painting.qualities),
        "output_format": (data.get("output_format"), painting.formats),
        "background": (data.get("background"), painting.backgrounds),
    }
    explicit = sizes.parse_pixels(str(data.get("size") or "")) is not None
    for name, (value, accepted) in asked.items():
        # The notes say of quality that models without the knob ignore it; pixels need no tier.
        if value in (None, "auto") or (name == "quality" and not accepted) or (name == "resolution" and explicit):
            continue
        if value not in accepted:
            reason = f"not supported. Accepted: {', '.join(accepted)}" if accepted else "not supported"
            raise incapable(model.id, model.provider, name, value, reason)


def _check_options(data: Mapping[str, Any], model: Model) -> None:
    """Options for the provider itself: unknown ones are passed over, and one value is known to be refused."""
    preferences = data.get("provider") or {}
    only = preferences.get("only")
    places = {
        model.provider,
        model.provider_slug,
        *(each[name] for each in model.also for name in ("provider", "slug")),
    }
    if only and not places & set(only):
        raise Refusal(404, f"No allowed providers are available for {model.id}")
    options = (preferences.get("options") or {}).get(model.provider_slug) or {}
    if options.get("style") == "not_a_real_style":
        raise Refusal(400, "Invalid style 'not_a_real_style'", metadata={"provider_name": model.provider})


def _kind(value: object) -> str:
    return (
        "undefined"
        if value is None
        else {"str": "string", "dict": "object", "list": "array"}.get(type(value).__name__, "number")
    )
