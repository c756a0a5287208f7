"""Connected regions of a mask, by runs of its rows: numpy has none, and scipy takes longer to load than this to run."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from darkroom.models.cutout import CutoutOptions

# From this alpha on, of 255, a pixel belongs to a part of the subject or to what encloses a hole.
_FROM: Final = 32


def shaped(mask: Image.Image, options: CutoutOptions) -> Image.Image:
    """The mask (mode L) as `components` and `holes` ask for it."""
    if options.components == "all" and options.holes == "keep":
        return mask
    values = np.array(mask)
    labels, sizes = regions(values >= _FROM)
    if options.components == "largest" and len(sizes) > 1:
        values[labels != 1 + int(np.argmax(sizes[1:]))] = 0
    if options.holes == "fill":
        empty, _ = regions(values < _FROM)
        outside = np.unique(np.concatenate((empty[0], empty[-1], empty[:, 0], empty[:, -1])))
        values[(empty > 0) & ~np.isin(empty, outside)] = 255
        values = _without_rims(values, empty, outside)
    return Image.fromarray(values)


def _without_rims(values: NDArray[np.uint8], empty: NDArray[np.int32], outside: NDArray[np.int32]) -> NDArray[np.uint8]:
    """Solid, too, where alpha rose from a hole to the subject: half-opaque pixels that have no outside within reach."""
    reach = 4
    beyond = np.pad((empty > 0) & np.isin(empty, outside), reach, mode="edge")
    holes = np.pad((empty > 0) & ~np.isin(empty, outside), reach)
    height, width = values.shape
    near_outside, near_hole = np.zeros(values.shape, bool), np.zeros(values.shape, bool)
    for down in range(2 * reach + 1):
        for across in range(2 * reach + 1):
            near_outside |= beyond[down : down + height, across : across + width]
            near_hole |= holes[down : down + height, across : across + width]
    values[near_hole & ~near_outside] = 255
    return values


def regions(where: NDArray[np.bool_]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Which pixels hang together, side by side or one above the other.

    Args:
        where: rows, columns.

    Returns:
        A label for each pixel, 0 where it is not so, and how many pixels have each label (the first is 0's).
    """
    height, width = where.shape
    padded = np.zeros((height, width + 1), np.int8)
    padded[:, :width] = where
    steps = np.diff(padded.ravel(), prepend=np.int8(0))
    starts, ends = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)
    parents = list(range(len(starts)))
    _join(starts.tolist(), ends.tolist(), width + 1, parents)
    roots = np.array([_root(parents, each) for each in range(len(parents))], np.int64)
    _, names = np.unique(roots, return_inverse=True)
    labels = np.zeros(height * (width + 1), np.int32)
    lengths = ends - starts
    labels[padded.ravel() == 1] = np.repeat(names.ravel() + 1, lengths)
    sizes = np.bincount(names.ravel() + 1, weights=lengths, minlength=1).astype(np.int64)
    sizes[0] = where.size - int(lengths.sum())
    return labels.reshape(height, width + 1)[:, :width], sizes


def _join(starts: list[int], ends: list[int], row: int, parents: list[int]) -> None:
    """Joins runs that touch one of the row above; `above` runs along behind."""
    above = 0
    for run, (start, end) in enumerate(zip(starts, ends, strict=True)):
        while ends[above] <= start - row:
            above += 1
        other = above
        while other < run and starts[other] < end - row:
            one, two = _root(parents, run), _root(parents, other)
            parents[max(one, two)] = min(one, two)
            other += 1


def _root(parents: list[int], run: int) -> int:
    while parents[run] != run:
        parents[run] = parents[parents[run]]
        run = parents[run]
    return run
