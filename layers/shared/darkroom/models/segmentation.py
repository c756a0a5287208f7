"""The segmentation models Darkroom knows by name: what they are good for, whose they are, and what they want to eat.

Weights are never fetched at run time. A model can be used where its file lies in the weights directory.
"""

from dataclasses import dataclass
from typing import Final, Literal

from darkroom.errors import UnsupportedModel

_IMAGENET_MEAN: Final = (0.485, 0.456, 0.406)
_IMAGENET_STD: Final = (0.229, 0.224, 0.225)

_U2NET_LICENCE: Final = (
    "The U-2-Net authors state that code and weights are both Apache-2.0, and that the licences of the training "
    "pictures (DUTS) are not theirs to give."
)
_DIS_LICENCE: Final = (
    "Apache-2.0 is stated for the code; the weights have no statement of their own, and the DIS5K pictures they were "
    "trained on are not for commercial use. Ask the authors before using it commercially."
)
_BIREFNET_LICENCE: Final = (
    "MIT is stated for code and weights; among the training pictures are sets, DIS5K for one, that are not for "
    "commercial use. Ask the authors before using it commercially."
)


@dataclass(frozen=True)
class SegmentationModel:
    """One model.

    Attributes:
        name: what callers say.
        file: its weights in the weights directory.
        sha256: of the weights; None where none is on record that we have checked or that the publisher states.
        md5: of the weights, as rembg records it.
        bytes: size of the weights, where checked.
        licence: what its publisher states.
        licence_note: what to know before relying on that.
        commercial: whether the publisher's own words allow commercial use of these weights.
        needs_acknowledgement: whether it is refused until the operator has acknowledged the licence.
        size: of its square input.
        mean: subtracted from each channel, of values 0 to 1.
        std: what each channel is then divided by.
        best_for: when to choose it.
        engine: `onnx`: run here; `rembg`: run by rembg, loaded when first asked for.
    """

    name: str
    file: str
    licence: str
    licence_note: str
    commercial: bool
    best_for: str
    size: int
    mean: tuple[float, float, float] = _IMAGENET_MEAN
    std: tuple[float, float, float] = _IMAGENET_STD
    sha256: str | None = None
    md5: str | None = None
    bytes: int | None = None
    engine: Literal["onnx", "rembg"] = "onnx"
    needs_acknowledgement: bool = False


def _u2net(
    name: str, best_for: str, md5: str, *, sha256: str | None = None, bytes_: int | None = None
) -> SegmentationModel:
    return SegmentationModel(
        name=name,
        file=f"{name}.onnx",
        licence="Apache-2.0",
        licence_note=_U2NET_LICENCE,
        commercial=True,
        best_for=best_for,
        size=320,
        md5=md5,
        sha256=sha256,
        bytes=bytes_,
    )


def _birefnet(name: str, best_for: str, md5: str | None = None) -> SegmentationModel:
    return SegmentationModel(
        name=name,
        file=f"{name}.onnx",
        licence="MIT",
        licence_note=_BIREFNET_LICENCE,
        commercial=False,
        best_for=best_for,
        size=1024,
        md5=md5,
        engine="rembg",
    )


_MODELS: Final = (
    _u2net(
        "u2net",
        "Anything: people, animals, things.",
        "60024c5c889badc19c04ad937298a77b",
        sha256="8d10d2f3bb75ae3b6d527c77944fc5e7dcd94b29809d47a739a7a728a912b491",
        bytes_=175997641,
    ),
    _u2net(
        "u2netp",
        "Anything, where speed and size count: 4.6 MB of weights, less exact edges.",
        "8e83ca70e441ab06c318d82300c84806",
        sha256="309c8469258dda742793dce0ebea8e6dd393174f89934733ecc8b14c76f4ddd8",
        bytes_=4574861,
    ),
    _u2net("u2net_human_seg", "People, whole or in part.", "c09ddc2e0104f800e3e1bb4652583d1f"),
    _u2net("silueta", "Anything: u2net cut down to 43 MB.", "55e59e0d8062d2f5d013f4725ee84782"),
    SegmentationModel(
        name="isnet-general-use",
        file="isnet-general-use.onnx",
        licence="Apache-2.0 (code)",
        licence_note=_DIS_LICENCE,
        commercial=False,
        best_for="Fine structures; several times slower than u2net.",
        size=1024,
        mean=(0.5, 0.5, 0.5),
        std=(1.0, 1.0, 1.0),
        md5="fc16ebd8b0c10d971d3513d564d01e29",
    ),
    SegmentationModel(
        name="isnet-anime",
        file="isnet-anime.onnx",
        licence="Apache-2.0",
        licence_note="Stated for the repository the weights come from (SkyTNT/anime-segmentation).",
        commercial=True,
        best_for="Drawn characters.",
        size=1024,
        std=(1.0, 1.0, 1.0),
        md5="6f184e756bb3bd901c8849220a83e38e",
    ),
    _birefnet(
        "birefnet-general",
        "Fine structures, on large machines: about 1 GB of weights.",
        "7a35a0141cbbc80de11d9c9a28f52697",
    ),
    _birefnet(
        "birefnet-general-lite",
        "Fine structures, on large machines; a smaller birefnet-general.",
        "4fab47adc4ff364be1713e97b7e66334",
    ),
    _birefnet("birefnet-portrait", "Portraits, on large machines.", "c3a64a6abf20250d090cd055f12a3b67"),
    SegmentationModel(
        name="bria-rmbg",
        file="bria-rmbg.onnx",
        licence="CC BY-NC 4.0 (RMBG-2.0)",
        licence_note="Not for commercial use without a paid agreement with BRIA.",
        commercial=False,
        best_for="Fine structures, on large machines: about 1 GB of weights.",
        size=1024,
        sha256="5b486f08200f513f460da46dd701db5fbb47d79b4be4b708a19444bcd4e79958",
        engine="rembg",
        needs_acknowledgement=True,
    ),
)

MODELS: Final = {model.name: model for model in _MODELS}


def lookup(name: str) -> SegmentationModel:
    """The model of that name. Raises UnsupportedModel, which lists those known."""
    if name not in MODELS:
        raise UnsupportedModel(
            f"There is no segmentation model {name[:60]!r}.",
            fix=f"Known models: {', '.join(MODELS)}.",
            param="model",
            context={"known": list(MODELS)},
        )
    return MODELS[name]
