"""The painter's drawings, for models that draw instead of painting: SVG of a few shapes."""

import zlib
from html import escape

import numpy as np

from local.simulator import scenes
from local.simulator.mark import WORD

_PALETTES: dict[scenes.Scene, tuple[str, str, str, str]] = {
    scenes.sunset: ("#5b2a6e", "#fbb04b", "#fff3c4", "#2a1742"),
    scenes.forest: ("#dfeedd", "#86b58a", "#fff6c9", "#1c4a2c"),
    scenes.sea: ("#3f8fd6", "#dff1fa", "#ffffff", "#1a8aa8"),
    scenes.mountain: ("#4e8fd0", "#f3e9d8", "#fff9e0", "#40665a"),
    scenes.city: ("#1b2145", "#f2a56f", "#fdf3d0", "#15172f"),
}
_OTHER = ("#2e86ab", "#f2e8cf", "#f3a712", "#a23b72")


def draw(prompt: str, size: tuple[int, int], seed: int) -> bytes:
    """A sky, a sun and three hills, in the colours of the prompt's scene."""
    width, height = size
    random = np.random.default_rng(zlib.crc32(prompt.encode()) + seed)
    high, low, sun, ground = _PALETTES.get(scenes.scene_for(prompt), _OTHER)
    hills = []
    for step in range(3):
        top = height * (0.55 + 0.13 * step)
        curve = [round(top + height * float(random.uniform(-0.1, 0.1))) for _ in range(3)]
        path = f"M0 {curve[0]} Q{width // 2} {curve[1]} {width} {curve[2]} V{height} H0 Z"
        hills.append(f'<path d="{path}" fill="{ground}" fill-opacity="{0.45 + 0.25 * step:.2f}"/>')
    at = (round(width * float(random.uniform(0.25, 0.75))), round(height * float(random.uniform(0.2, 0.4))))
    stops = f'<stop stop-color="{high}"/><stop offset="1" stop-color="{low}"/>'
    return f"""<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">
<title>{escape(prompt[:200])}</title>
<defs><linearGradient id="sky" x2="0" y2="1">{stops}</linearGradient></defs>
<rect width="{width}" height="{height}" fill="url(#sky)"/>
<circle cx="{at[0]}" cy="{at[1]}" r="{min(size) // 10}" fill="{sun}"/>
{"".join(hills)}
<text x="{height // 40}" y="{height - height // 40}" font-size="{height // 20}" fill="#fff" stroke="#000">{WORD}</text>
</svg>
""".encode()
