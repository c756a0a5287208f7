"""A cat and a person, for the painter."""

import numpy as np

from local.simulator.canvas import Ball, Canvas, rgb

_COATS = ("#d98a3d", "#8a8f99", "#3a3538", "#e6dccb")
_SKINS = ("#f0c8a4", "#d9a074", "#a66b43", "#6e4529")
_HAIR = ("#2a1c14", "#6b3f1d", "#c79a4b", "#8f8f94", "#7a2a1d")
_CLOTHES = ("#2f4f7f", "#7d2f3f", "#3d6b4f", "#55486e", "#c4a24a")


def cat(canvas: Canvas) -> None:
    canvas.gradient("#f6e7d0", "#ecd3b4", bottom=0.74)
    canvas.gradient("#a9764d", "#8a5c39", top=0.74)
    x = canvas.shape / 2
    coat = canvas.accent or rgb(_COATS[int(canvas.random.integers(len(_COATS)))])
    dark = (coat[0] * 0.62, coat[1] * 0.58, coat[2] * 0.55)
    shadow = np.exp(-(((canvas.x - x) / 0.36) ** 2) - (((canvas.y - 0.9) / 0.045) ** 2))
    canvas.blend(rgb("#3a2415"), shadow * 0.55)
    canvas.line([(x + 0.2, 0.86), (x + 0.36, 0.82), (x + 0.39, 0.66), (x + 0.33, 0.56)], 0.05, coat)
    canvas.ellipse((x, 0.73), (0.235, 0.2), Ball(coat, (x - 0.1, 0.58), 0.5))
    for side in (-1, 1):
        canvas.ellipse((x + side * 0.1, 0.89), (0.07, 0.035), coat)
    _head(canvas, x, coat, dark)


def _head(canvas: Canvas, x: float, coat: tuple[float, float, float], dark: tuple[float, float, float]) -> None:
    for side in (-1, 1):
        ear = [(x + side * 0.2, 0.14), (x + side * 0.21, 0.37), (x + side * 0.05, 0.25)]
        canvas.polygon(ear, coat)
        inner = [(x + side * 0.18, 0.19), (x + side * 0.185, 0.33), (x + side * 0.09, 0.26)]
        canvas.polygon(inner, rgb("#e9a3a0"))
    canvas.ellipse((x, 0.42), (0.225, 0.19), Ball(coat, (x - 0.08, 0.3), 0.4))
    for offset in (-0.05, 0, 0.05):
        canvas.line([(x + offset, 0.25), (x + offset * 0.8, 0.31)], 0.014, dark)
    eye = rgb(("#8fc93a", "#e0b030", "#5aa9d6")[int(canvas.random.integers(3))])
    for side in (-1, 1):
        canvas.ellipse((x + side * 0.085, 0.4), (0.045, 0.04), eye)
        canvas.ellipse((x + side * 0.085, 0.4), (0.013, 0.036), rgb("#101010"))
        canvas.ellipse((x + side * 0.085 + 0.012, 0.385), (0.008, 0.008), rgb("#ffffff"))
        canvas.ellipse((x + side * 0.045, 0.505), (0.062, 0.047), rgb("#f7efe4"))
        for rise in (-0.03, 0, 0.03):
            canvas.line([(x + side * 0.07, 0.5), (x + side * 0.28, 0.49 + rise)], 0.004, rgb("#fdfaf5"))
    canvas.polygon([(x - 0.025, 0.463), (x + 0.025, 0.463), (x, 0.49)], rgb("#c9656b"))
    canvas.line([(x, 0.488), (x, 0.51), (x - 0.035, 0.53)], 0.006, rgb("#5a3a35"))
    canvas.line([(x, 0.51), (x + 0.035, 0.53)], 0.006, rgb("#5a3a35"))


def portrait(canvas: Canvas) -> None:
    choose = canvas.random.integers
    skin, hair = rgb(_SKINS[int(choose(len(_SKINS)))]), rgb(_HAIR[int(choose(len(_HAIR)))])
    is_long = bool(choose(2))
    clothes = canvas.accent or rgb(_CLOTHES[int(choose(len(_CLOTHES)))])
    canvas.gradient("#6f8796", "#9fb0b8", "#c9d1d2")
    canvas.blend(rgb("#e6ebea"), np.clip(canvas.noise(3, 3, 2) - 0.35, 0, 1) * 0.7)
    x = canvas.shape / 2
    if is_long:
        canvas.ellipse((x, 0.45), (0.225, 0.33), hair)
        canvas.ellipse((x, 0.68), (0.23, 0.16), hair)
    canvas.ellipse((x, 1.08), (0.42, 0.3), Ball(clothes, (x - 0.2, 0.8), 0.7))
    canvas.polygon(
        [(x - 0.075, 0.6), (x + 0.075, 0.6), (x + 0.095, 0.82), (x, 0.88), (x - 0.095, 0.82)], _darker(skin, 0.84)
    )
    for side in (-1, 1):
        canvas.ellipse((x + side * 0.17, 0.47), (0.025, 0.045), _darker(skin, 0.9))
    canvas.ellipse((x, 0.45), (0.17, 0.23), Ball(skin, (x - 0.06, 0.36), 0.46, 0.4))
    crown = [
        (x + float(np.cos(turn)) * 0.18, 0.41 + float(np.sin(turn)) * 0.21)
        for turn in np.linspace(np.pi, 2 * np.pi, 40)
    ]
    canvas.polygon([*crown, (x + 0.13, 0.3), (x + 0.02, 0.27), (x - 0.1, 0.31)], hair)
    for side in (-1, 1):
        canvas.ellipse((x + side * 0.068, 0.445), (0.03, 0.017), rgb("#fbfaf7"))
        canvas.ellipse((x + side * 0.068, 0.445), (0.014, 0.015), rgb("#3a2c20"))
        canvas.line([(x + side * 0.03, 0.408), (x + side * 0.07, 0.398), (x + side * 0.105, 0.408)], 0.011, hair)
        canvas.glow((x + side * 0.1, 0.53), 0.045, (0.12, 0.0, 0.0), 0.6)
    canvas.line([(x, 0.45), (x + 0.02, 0.53), (x - 0.008, 0.537)], 0.008, _darker(skin, 0.75))
    smile = [(x + step, 0.595 - (step / 0.065) ** 2 * 0.016) for step in np.linspace(-0.065, 0.065, 12)]
    canvas.line(smile, 0.014, rgb("#a6483f"))


def _darker(colour: tuple[float, float, float], by: float) -> tuple[float, float, float]:
    return colour[0] * by, colour[1] * by, colour[2] * by
