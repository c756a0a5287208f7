"""Edits: each changes a picture so that it can be seen, and leaves its composition alone."""

import re
import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from local.simulator.canvas import Canvas, Colour, rgb

Edit = Callable[[Image.Image, int], Image.Image]
COLOURS = {
    "red": "#d02c2c",
    "orange": "#ef8a24",
    "yellow": "#f4d03c",
    "green": "#2e9e54",
    "teal": "#1c9aa0",
    "blue": "#2d62d8",
    "purple": "#7b3fc4",
    "pink": "#ee6fa8",
    "brown": "#7a4a26",
    "golden": "#e0aa3a",
}
_NEUTRALS = {"black": "#2b292c", "white": "#f1efea", "grey": "#8d9096", "gray": "#8d9096"}


def black_and_white(picture: Image.Image, _: int) -> Image.Image:
    return ImageOps.autocontrast(ImageOps.grayscale(picture), cutoff=1).convert("RGB")


def vintage(picture: Image.Image, seed: int) -> Image.Image:
    grey = ImageOps.grayscale(picture)
    toned = ImageOps.colorize(grey, "#2b1a0e", "#f7e6c4", mid="#a5794a")
    canvas = Canvas.of(Image.blend(picture, toned, 0.75), seed)
    edge = ((canvas.x / canvas.shape - 0.5) ** 2 + (canvas.y - 0.5) ** 2) * 1.5
    canvas.colours *= np.clip(1.1 - edge, 0, 1)[..., None]
    canvas.grain(0.03)
    return canvas.image()


def night(picture: Image.Image, seed: int) -> Image.Image:
    canvas = Canvas.of(picture, seed)
    canvas.colours = canvas.colours**1.5 * np.array([0.24, 0.32, 0.62], np.float32)
    stars = (canvas.random.random((canvas.height, canvas.width), np.float32) > 0.9990) & (canvas.y < 0.35)
    canvas.blend(rgb("#ffffff"), stars.astype(np.float32) * 0.9)
    moon = (canvas.shape * 0.82, 0.14)
    canvas.glow(moon, 0.16, rgb("#8fa8ff"), 0.35)
    canvas.disc(moon, 0.05, rgb("#fbf6df"))
    return canvas.image()


def snow(picture: Image.Image, seed: int) -> Image.Image:
    canvas = Canvas.of(ImageEnhance.Color(picture).enhance(0.55), seed)
    canvas.colours = canvas.colours * 0.78 + np.array([0.2, 0.22, 0.25], np.float32)
    canvas.blend(rgb("#f8fbff"), np.clip(canvas.below(canvas.ridge(0.86, 0.03)) * 0.9, 0, 1))
    flakes = Image.new("L", picture.size)
    draw = ImageDraw.Draw(flakes)
    for _ in range(420):
        x, y = canvas.uniform(0, canvas.width), canvas.uniform(0, canvas.height)
        radius = canvas.uniform(0.0015, 0.006) * canvas.height + 0.5
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=240)
    canvas.blend(rgb("#ffffff"), np.asarray(flakes, np.float32) / 255)
    return canvas.image()


def sunset(picture: Image.Image, seed: int) -> Image.Image:
    canvas = Canvas.of(picture, seed)
    warm = np.array([1.18, 0.82, 0.56], np.float32)
    canvas.colours *= warm
    canvas.glow((canvas.shape * 0.5, 0.45), 0.5, rgb("#ff8a3c"), 0.35)
    return canvas.image()


def autumn(picture: Image.Image, seed: int) -> Image.Image:
    canvas = Canvas.of(picture, seed)
    red, green, blue = (canvas.colours[..., channel] for channel in range(3))
    greenness = np.clip((green - np.maximum(red, blue)) * 6, 0, 1)
    light = canvas.colours.mean(axis=2, keepdims=True)
    canvas.blend((light * 2 * np.array([0.95, 0.5, 0.14], np.float32)).astype(np.float32), greenness)
    canvas.colours *= np.array([1.1, 0.95, 0.78], np.float32)
    return canvas.image()


def watercolour(picture: Image.Image, seed: int) -> Image.Image:
    small = picture.copy()
    small.thumbnail((420, 420))
    for _ in range(3):
        small = small.filter(ImageFilter.MedianFilter(7))
    flat = small.resize(picture.size, Image.Resampling.BICUBIC)
    canvas = Canvas.of(ImageEnhance.Color(flat).enhance(1.25), seed)
    canvas.colours = canvas.colours * 0.78 + 0.22
    canvas.colours *= (0.84 + 0.3 * canvas.noise(5, 5, 5))[..., None]
    edges = np.asarray(flat.convert("L").filter(ImageFilter.FIND_EDGES).filter(ImageFilter.GaussianBlur(1)), np.float32)
    canvas.colours -= np.clip(edges / 255 * 1.6, 0, 0.45)[..., None]
    canvas.grain(0.025)
    border = np.minimum(np.minimum(canvas.x, canvas.shape - canvas.x), np.minimum(canvas.y, 1 - canvas.y))
    wobble = (canvas.noise(12, 12, 3) - 0.5) * 0.05
    canvas.blend(rgb("#fbf8f0"), np.clip((0.035 + wobble - border) * 60, 0, 1))
    return canvas.image()


def sketch(picture: Image.Image, _: int) -> Image.Image:
    grey = ImageOps.grayscale(picture)
    soft = ImageOps.invert(grey).filter(ImageFilter.GaussianBlur(max(picture.size) / 120))
    lines = np.asarray(grey, np.float32) / np.clip(255 - np.asarray(soft, np.float32), 1, 255)
    return Image.fromarray((np.clip(lines, 0, 1) ** 1.6 * 255).astype(np.uint8), "L").convert("RGB")


def cartoon(picture: Image.Image, _: int) -> Image.Image:
    flat = picture.reduce(2).filter(ImageFilter.MedianFilter(5)).quantize(12).convert("RGB").resize(picture.size)
    edges = picture.convert("L").filter(ImageFilter.FIND_EDGES).point(lambda value: 0 if value > 40 else 255)
    return ImageChops.multiply(ImageEnhance.Color(flat).enhance(1.5), edges.convert("RGB"))


def fog(picture: Image.Image, seed: int) -> Image.Image:
    canvas = Canvas.of(picture, seed)
    canvas.blend(rgb("#e6eaec"), np.clip(0.35 + canvas.noise(2, 4) * 0.6, 0, 0.9))
    return canvas.image()


def plain_background(picture: Image.Image, seed: int) -> Image.Image:
    canvas = Canvas.of(picture, seed)
    distance = np.sqrt(((canvas.x / canvas.shape - 0.5) / 0.42) ** 2 + ((canvas.y - 0.52) / 0.48) ** 2)
    canvas.blend(rgb("#ffffff"), np.clip((distance - 0.9) * 12, 0, 1))
    return canvas.image()


def tinted(colour: Colour, strength: float = 0.5) -> Edit:
    def apply(picture: Image.Image, seed: int) -> Image.Image:
        canvas = Canvas.of(picture, seed)
        light = canvas.colours.mean(axis=2, keepdims=True)
        toned = np.clip(light * 1.7, 0, 1) * np.array(colour, np.float32) + np.clip(light * 1.7 - 1, 0, 1)
        canvas.colours += (toned - canvas.colours) * strength
        return canvas.image()

    return apply


def framed(picture: Image.Image, prompt: str) -> Image.Image:
    """What is done when nothing better is known: a tint and a frame, both after the prompt."""
    names = sorted(COLOURS)
    colour = COLOURS[names[zlib.crc32(prompt.encode()) % len(names)]]
    toned = tinted(rgb(colour), 0.35)(picture, 0)
    draw = ImageDraw.Draw(toned)
    width = max(4, min(picture.size) // 40)
    draw.rectangle((0, 0, picture.width - 1, picture.height - 1), outline=colour, width=width)
    return toned


def _scaled(kind: Callable[[Image.Image], ImageEnhance._Enhance], factor: float) -> Edit:
    return lambda picture, _: kind(picture).enhance(factor)


def _multiplied(red: float, green: float, blue: float) -> Edit:
    def apply(picture: Image.Image, _: int) -> Image.Image:
        canvas = Canvas.of(picture, 0)
        canvas.colours *= np.array([red, green, blue], np.float32)
        return canvas.image()

    return apply


# Every one whose words occur is applied, in this order.
EDITS: list[tuple[str, Edit]] = [
    (
        r"(?:remove|plain|white|transparent|cut out)\b.*\bbackground|background\b.*\b(?:remove|white|plain)",
        plain_background,
    ),
    (r"autumn|fall colou?rs", autumn),
    (r"snow\w*|winter\w*|christmas", snow),
    (r"fog\w*|mist\w*|haz[ey]", fog),
    (r"sunset|golden hour|dusk|evening", sunset),
    (r"night|midnight|moonlight|moonlit", night),
    (r"warm\w*", _multiplied(1.16, 1.02, 0.8)),
    (r"cool\w*|cold\w*", _multiplied(0.82, 0.98, 1.16)),
    (r"bright\w*|lighter", _scaled(ImageEnhance.Brightness, 1.35)),
    (r"dark\w*|moody", _scaled(ImageEnhance.Brightness, 0.6)),
    (r"contrast\w*|dramatic", _scaled(ImageEnhance.Contrast, 1.5)),
    (r"vivid|vibrant|saturat\w*|colou?rful", _scaled(ImageEnhance.Color, 1.8)),
    (r"vintage|sepia|retro|old photo\w*|film", vintage),
    (r"black.and.white|monochrome|gr[ae]y\s?scale|b&w", black_and_white),
    (r"watercolou?rs?|aquarelle|painting|painted|oil|impressionis\w*|van gogh", watercolour),
    (r"sketch\w*|pencil|line drawing|drawing|charcoal", sketch),
    (r"cartoon\w*|comic|anime|pop art|flat illustration", cartoon),
]


def named_colour(prompt: str, *, neutrals: bool = False) -> Colour | None:
    """The first colour that a prompt names; black, grey and white count only if asked for."""
    known = {**COLOURS, **_NEUTRALS} if neutrals else COLOURS
    found = re.search(rf"\b({'|'.join(known)})\b", prompt, re.IGNORECASE)
    return rgb(known[found[1].lower()]) if found else None


def matching(prompt: str, *, tints: bool = True) -> list[Edit]:
    """The edits that a prompt asks for.

    Args:
        tints: a colour that it names is for the whole picture.
    """
    found = [edit for words, edit in EDITS if re.search(rf"\b(?:{words})\b", prompt, re.IGNORECASE)]
    colour = named_colour(prompt) if tints else None
    return found if colour is None else [*found, tinted(colour)]
