"""The mask of a picture by one model; or by the first of several, each better and slower, that is sure of its own."""

from collections.abc import Callable, Sequence
from time import perf_counter

from msgspec import Struct
from PIL import Image

from darkroom.errors import NoForeground
from darkroom.images.quality import Assessment, assess
from darkroom.models.cutout import Step
from darkroom.models.segmentation import AUTO, ladder, usable

Mask = Callable[[str], Image.Image]
"""(a model's name) -> its mask, mode L. Raises NoForeground."""


class Segmented(Struct, frozen=True):
    """Attributes: steps: with `auto`, the models that were asked, in their order."""

    mask: Image.Image
    found: Assessment
    model: str
    steps: tuple[Step, ...] = ()


def segmented(mask: Mask, model: str, available: Sequence[str], *, enough: float = 0) -> Segmented:
    """Args:
        model: its name, or `auto`.
        available: those that are installed; the stack's default first.
        enough: the least score with which `auto` is content, should that be more than a clean one's.

    Raises:
        UnsupportedModel, LicenceNotAcknowledged: as the segmenter says.
        NoForeground: nothing stands out, for none of them.
    """
    if model != AUTO:
        made = mask(model)
        return Segmented(made, assess(made), model)
    best: Segmented | None = None
    nothing: NoForeground | None = None
    steps: list[Step] = []
    for name in ladder(available) or (usable(model, available),):
        start = perf_counter()
        try:
            made = mask(name)
        except NoForeground as error:
            nothing = error
            steps.append(Step(model=name, score=None, verdict="nothing", ms=_since(start)))
            continue
        found = assess(made)
        verdict = "clean" if found.is_clean else "look"
        steps.append(Step(model=name, score=found.score, verdict=verdict, ms=_since(start)))
        if best is None or found.score > best.found.score:
            best = Segmented(made, found, name)
        if found.is_clean and found.score >= enough:
            break
    if best is None:
        raise nothing or NoForeground("Nothing stands out.", fix="Send a picture with a clear subject.")
    return Segmented(best.mask, best.found, best.model, tuple(steps))


def _since(start: float) -> float:
    return round((perf_counter() - start) * 1000, 1)
