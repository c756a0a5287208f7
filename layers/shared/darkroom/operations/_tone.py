"""Arithmetic of tone and color that several operations share. Values are floats from 0 to 1."""

from typing import Annotated, Final, Literal

from pydantic import Field

Channel = Literal["all", "red", "green", "blue"]
CHANNEL_HELP: Final = "The channel it applies to; `all` for all three alike."

PerCent = Annotated[float, Field(ge=0, le=100)]
Signed = Annotated[float, Field(ge=-100, le=100)]
HexColor = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$", examples=["#ff8800"])]

# How much each channel of sRGB counts for lightness (ITU-R BT.709).
RED, GREEN, BLUE = LUMA = (0.2126, 0.7152, 0.0722)

_INDEX: Final = {"red": 0, "green": 1, "blue": 2}


def concerns(chosen: Channel, channel: int) -> bool:
    """Whether a setting for `chosen` applies to channel 0, 1 or 2."""
    return chosen == "all" or _INDEX[chosen] == channel


def to_linear(value: float) -> float:
    """From sRGB's encoding to light (IEC 61966-2-1)."""
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def from_linear(light: float) -> float:
    """From light to sRGB's encoding; `to_linear` backwards."""
    return light * 12.92 if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055


def luma(red: float, green: float, blue: float) -> float:
    return RED * red + GREEN * green + BLUE * blue


def rgb(color: str) -> tuple[float, float, float]:
    """The channels of `#rrggbb`."""
    red, green, blue = bytes.fromhex(color[1:])
    return red / 255, green / 255, blue / 255
