"""What the pixelwise operations are to give, written a second time: with numpy, in 64-bit floats, never rounded."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from darkroom.operations import Operation
from darkroom.operations._base import ColorOperation, PointOperation

Floats = NDArray[np.float64]

_LUMA = np.array([0.2126, 0.7152, 0.0722])


def exact(pixels: Floats, operations: Sequence[Operation]) -> Floats:
    """Pixels (n x 3, 0 to 1) after the operations; cut off at 0 and 1 after each."""
    for operation in operations:
        pixels = np.clip(_one(pixels, operation), 0, 1)
    return pixels


def in_steps(pixels: Floats, operations: Sequence[Operation]) -> Floats:
    """The same, rounded to 8 bits after each operation: the best that one by one can do."""
    for operation in operations:
        pixels = np.floor(np.clip(_one(pixels, operation), 0, 1) * 255 + 0.5) / 255
    return pixels


def _one(pixels: Floats, operation: Operation) -> Floats:
    fields = operation.model_dump()
    name = fields.pop("op")
    if name in REFERENCE:
        return REFERENCE[name](pixels, **fields)
    if isinstance(operation, PointOperation):
        return np.stack([_curved(operation, channel, pixels[:, channel]) for channel in range(3)], axis=1)
    assert isinstance(operation, ColorOperation)
    color = operation.color()
    return np.array([color((red, green, blue)) for red, green, blue in pixels.tolist()])


def _curved(operation: PointOperation, channel: int, values: Floats) -> Floats:
    """One channel after the operation, each value computed once."""
    different, places = np.unique(values, return_inverse=True)
    return np.array([operation.curve(channel, value) for value in different.tolist()])[places]


def _light(pixels: Floats) -> Floats:
    return np.where(pixels <= 0.04045, pixels / 12.92, ((pixels + 0.055) / 1.055) ** 2.4)


def _encoded(light: Floats) -> Floats:
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * np.maximum(light, 1e-12) ** (1 / 2.4) - 0.055)


def _grey(pixels: Floats) -> Floats:
    grey: Floats = (pixels @ _LUMA)[:, None]
    return grey


def _brightness(pixels: Floats, amount: float) -> Floats:
    return pixels * (1 + amount / 100)


def _contrast(pixels: Floats, amount: float) -> Floats:
    return (pixels - 0.5) * (1 + amount / 100) + 0.5


def _exposure(pixels: Floats, stops: float) -> Floats:
    return _encoded(_light(pixels) * 2**stops)


def _gamma(pixels: Floats, gamma: float) -> Floats:
    return np.asarray(pixels ** (1 / gamma))


def _invert(pixels: Floats) -> Floats:
    return 1 - pixels


def _saturation(pixels: Floats, amount: float) -> Floats:
    grey = _grey(pixels)
    return grey + (pixels - grey) * (1 + amount / 100)


def _vibrance(pixels: Floats, amount: float) -> Floats:
    chroma = (pixels.max(axis=1) - pixels.min(axis=1))[:, None]
    grey = _grey(pixels)
    return np.asarray(grey + (pixels - grey) * (1 + amount / 100 * (1 - chroma)))


def _black_and_white(pixels: Floats, red: float, green: float, blue: float) -> Floats:
    weights = np.array([red, green, blue])
    return np.repeat((pixels @ weights / weights.sum())[:, None], 3, axis=1)


def _sepia(pixels: Floats, amount: float) -> Floats:
    brown = pixels @ np.array([[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]]).T
    return np.asarray(pixels + (brown - pixels) * amount / 100)


def _hue(pixels: Floats, degrees: float) -> Floats:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    still = np.array([[0.2126, 0.7152, 0.0722]] * 3)
    turning = np.array([[-0.2126, -0.7152, 0.9278], [0.143, 0.140, -0.283], [-0.7874, 0.7152, 0.0722]])
    return np.asarray(pixels @ (still + c * (np.eye(3) - still) + s * turning).T)


def _levels(
    pixels: Floats,
    black: float,
    white: float,
    gamma: float,
    output_black: float,
    output_white: float,
    channel: str,
) -> Floats:
    inside = np.clip((pixels * 255 - black) / (white - black), 0, 1) ** (1 / gamma)
    done = (output_black + inside * (output_white - output_black)) / 255
    chosen = {"all": slice(0, 3), "red": slice(0, 1), "green": slice(1, 2), "blue": slice(2, 3)}[channel]
    result = pixels.copy()
    result[:, chosen] = done[:, chosen]
    return result


def _duotone(pixels: Floats, shadows: str, highlights: str, amount: float) -> Floats:
    dark, bright = (np.frombuffer(bytes.fromhex(color[1:]), np.uint8) / 255 for color in (shadows, highlights))
    inked = dark + _grey(pixels) * (bright - dark)
    return pixels + (inked - pixels) * amount / 100


def _posterize(pixels: Floats, levels: int) -> Floats:
    return np.floor(pixels * (levels - 1) + 0.5) / (levels - 1)


def _color_temperature(pixels: Floats, temperature: float, tint: float) -> Floats:
    gains = 2 ** (temperature / 100 * np.array([0.6, 0, -1.2]) + tint / 100 * np.array([0.2, -0.4, 0.2]))
    return _encoded(_light(pixels) * gains / (gains @ _LUMA))


REFERENCE: dict[str, Callable[..., Floats]] = {
    "black_and_white": _black_and_white,
    "brightness": _brightness,
    "color_temperature": _color_temperature,
    "contrast": _contrast,
    "duotone": _duotone,
    "exposure": _exposure,
    "gamma": _gamma,
    "hue": _hue,
    "invert": _invert,
    "levels": _levels,
    "posterize": _posterize,
    "saturation": _saturation,
    "sepia": _sepia,
    "vibrance": _vibrance,
}
