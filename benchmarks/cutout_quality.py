"""How good cut-outs of composites with a known alpha are, and how well the score tells the bad ones.

    python -m benchmarks.cutout_quality [--models u2netp,u2net] [--seeds 16]

A cut-out is bad where the pixels that are wrong come to more than a quarter of the subject's. Thresholds are chosen on
the composites with even seeds and scored on those with odd ones.
"""

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from darkroom.adapters.segmenter import OnnxSegmenter
from darkroom.errors import NoForeground
from darkroom.images.quality import assess
from tests.composites import KINDS, composite

BAD_FROM = 0.25
# From this alpha on, of 255, a pixel is the subject's: the middle of a glass is.
SUBJECT_FROM = 60


class Row(NamedTuple):
    kind: str
    seed: int
    iou: float
    error: float
    wrong: float
    score: float


def rows_of(segmenter: OnnxSegmenter, model: str, seeds: int) -> list[Row]:
    """As many of each kind; three quarters of them hard."""
    rows = []
    for kind in KINDS:
        for seed in range(seeds):
            one = composite(kind, seed, hard=seed % 8 > 1)
            try:
                mask = segmenter.mask(one.picture, model)
            except NoForeground:
                rows.append(Row(kind, seed, 0, 1, 1, 0))
                continue
            found = np.asarray(mask.resize(one.alpha.size, Image.Resampling.LANCZOS), np.float64)
            true = np.asarray(one.alpha, np.float64)
            ours, theirs = found > 127, true > SUBJECT_FROM
            rows.append(
                Row(
                    kind,
                    seed,
                    float((ours & theirs).sum() / (ours | theirs).sum()),
                    float(np.abs(found - true).mean() / 255),
                    float((ours != theirs).sum() / theirs.sum()),
                    assess(mask).score,
                )
            )
    return rows


def area_under_curve(bad: list[float], good: list[float]) -> float:
    """How often a bad one scores lower than a good one."""
    pairs = [(one < other) + (one == other) / 2 for one in bad for other in good]
    return sum(pairs) / len(pairs) if pairs else float("nan")


def rates(rows: list[Row], threshold: float) -> tuple[float, float]:
    """The shares of bad and of good ones that score below the threshold."""
    told = {bad: [row.score < threshold for row in rows if (row.wrong > BAD_FROM) is bad] for bad in (True, False)}
    return sum(told[True]) / max(len(told[True]), 1), sum(told[False]) / max(len(told[False]), 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, default=Path(".local/weights"))
    parser.add_argument("--models", default="u2netp")
    parser.add_argument("--seeds", type=int, default=16)
    asked = parser.parse_args()
    segmenter = OnnxSegmenter(asked.weights, default="u2netp")
    everything: list[Row] = []
    for model in asked.models.split(","):
        rows = rows_of(segmenter, model, asked.seeds)
        everything += rows
        iou, error = np.mean([row.iou for row in rows]), np.mean([row.error for row in rows])
        bad_ones = sum(row.wrong > BAD_FROM for row in rows)
        print(f"{model}: IoU {iou:.3f}, mean absolute error {error:.4f}, bad {bad_ones} of {len(rows)}")
    bad = [row.score for row in everything if row.wrong > BAD_FROM]
    good = [row.score for row in everything if row.wrong <= BAD_FROM]
    print(f"area under the ROC: {area_under_curve(bad, good):.3f} ({len(bad)} bad, {len(good)} good)")
    for threshold in (0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95):
        halves = [rates([row for row in everything if row.seed % 2 == half], threshold) for half in (0, 1)]
        said = "; ".join(f"{told:.0%} of bad, {alarm:.0%} of good" for told, alarm in halves)
        print(f"below {threshold}: {said}")


if __name__ == "__main__":
    main()
