"""Cut-outs of which no model here is sure, where the user asked for `auto`: what is said of them to who may pay."""

from typing import Final

from darkroom.errors import DarkroomError
from darkroom.models.cutout import Cutout

# Pixels of the longer side of what is made in place of a cut-out that would be paid.
SAMPLE: Final = 500
SAMPLED: Final = (
    "This is a sample, small and with a watermark, made here for nothing; without `sandbox` remove.bg cuts out, and is "
    "paid."
)


def is_doubtful(cutout: Cutout) -> bool:
    """Whether several models were asked, and what the best of them made should be looked at."""
    return bool(cutout.steps) and cutout.quality is not None and cutout.quality.verdict == "look"


def doubts(cutout: Cutout) -> str:
    """Why another is paid."""
    tried = ", ".join(f"{step.model} {'nothing' if step.score is None else f'{step.score:g}'}" for step in cutout.steps)
    return f"What was made here was not clean (scores: {tried})."


def not_paid(refused: DarkroomError) -> str:
    """Why no other was asked."""
    return f"remove.bg was not asked: {refused.detail}"
