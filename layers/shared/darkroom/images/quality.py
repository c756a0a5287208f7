"""How good a cut-out is likely to be, told by its mask alone.

What tells is fog: half-opaque pixels with neither a solid nor an empty one near. A true edge has both; where there is
neither the model could not decide. How well that finds bad cut-outs is in docs/models.md.
"""

from typing import Final

import numpy as np
from msgspec import Struct
from PIL import Image

from darkroom.images.edges import EMPTY_BELOW, SOLID_FROM, fog
from darkroom.images.regions import regions
from darkroom.models.cutout import QualityReason

# Pixels of the longer side that a mask is looked at in; `fog` counts in these.
_LOOKED_AT: Final = 320
# The share of the subject that is fog at which the score is a half.
_HALF_AT: Final = 0.07
_STEEP: Final = 1.5
# Below this score somebody should look.
CLEAN_FROM: Final = 0.5
# A second subject is at least so large, as a share of the first.
_SECOND_FROM: Final = 0.15
# From this share of a side of the picture on the subject touches it.
_TOUCHES_FROM: Final = 0.02
# Of the picture; a subject that is smaller is hardly one.
_SMALL_BELOW: Final = 0.003

Unit = tuple[float, float, float, float]


class Assessment(Struct, frozen=True):
    """What a mask tells.

    Attributes:
        score: 0 to 1; the higher, the surer.
        box: what to look at, as shares of the picture: left, top, right, bottom. None where it is clean.
    """

    score: float
    reasons: tuple[QualityReason, ...]
    box: Unit | None

    @property
    def is_clean(self) -> bool:
        return self.score >= CLEAN_FROM


def assess(mask: Image.Image) -> Assessment:
    """Of a mask in mode L, 255 where the subject is."""
    small = mask
    if max(mask.size) > _LOOKED_AT:
        scale = _LOOKED_AT / max(mask.size)
        size = max(1, round(mask.width * scale)), max(1, round(mask.height * scale))
        small = mask.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    values = np.asarray(small)
    covered = values >= EMPTY_BELOW
    area = int(covered.sum())
    undecided = fog(values)
    share = float(undecided.sum()) / max(area, 1)
    score = 1 / (1 + (share / _HALF_AT) ** _STEEP)
    reasons: list[QualityReason] = []
    if score < CLEAN_FROM:
        reasons.append("fog")
    if area < _SMALL_BELOW * values.size:
        reasons.append("small_subject")
        score = min(score, 0.4)
    if _subjects(values) > 1:
        reasons.append("several_subjects")
    if _touches(values):
        reasons.append("touching_border")
    where = undecided if "fog" in reasons else covered
    return Assessment(round(score, 3), tuple(reasons), None if score >= CLEAN_FROM else _box(where))


def _subjects(values: np.typing.NDArray[np.uint8]) -> int:
    sizes = regions(values >= 128)[1][1:]
    return int((sizes >= _SECOND_FROM * sizes.max()).sum()) if sizes.size else 0


def _touches(values: np.typing.NDArray[np.uint8]) -> bool:
    sides = (values[0], values[-1], values[:, 0], values[:, -1])
    return any(float((side >= SOLID_FROM).mean()) >= _TOUCHES_FROM for side in sides)


def _box(where: np.typing.NDArray[np.bool_]) -> Unit | None:
    rows, columns = np.flatnonzero(where.any(axis=1)), np.flatnonzero(where.any(axis=0))
    if not rows.size:
        return None
    height, width = where.shape
    return (
        int(columns[0]) / width,
        int(rows[0]) / height,
        (int(columns[-1]) + 1) / width,
        (int(rows[-1]) + 1) / height,
    )
