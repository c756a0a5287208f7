"""Parts and holes of a mask."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from darkroom.images.regions import shaped
from darkroom.models.cutout import CutoutOptions


def ring_and_crumb() -> Image.Image:
    """A ring with a soft edge and a disc beside it; what is in the ring is a hole, what is cut by the border is not."""
    mask = Image.new("L", (160, 120))
    draw = ImageDraw.Draw(mask)
    draw.ellipse((10, 20, 90, 100), fill=255)
    draw.ellipse((35, 45, 65, 75), fill=0)
    draw.ellipse((120, 50, 140, 70), fill=255)
    return mask.filter(ImageFilter.GaussianBlur(1))


def test_left_as_it_is_nothing_changes() -> None:
    mask = ring_and_crumb()
    assert shaped(mask, CutoutOptions()) is mask


def test_the_largest_part_alone() -> None:
    before, after = ring_and_crumb(), shaped(ring_and_crumb(), CutoutOptions(components="largest"))
    assert np.asarray(after)[:, 110:].max() == 0
    kept = np.asarray(before)[:, :100] >= 32
    assert (np.asarray(after)[:, :100][kept] == np.asarray(before)[:, :100][kept]).all()


def test_holes_are_filled_to_their_rims_and_the_outline_stays() -> None:
    before, after = np.asarray(ring_and_crumb()), np.asarray(shaped(ring_and_crumb(), CutoutOptions(holes="fill")))
    assert before[60, 50] == 0
    assert (after[40:80, 30:70] == 255).all()
    outline = np.ones(before.shape, bool)
    outline[30:90, 20:80] = False
    assert (after[outline] == before[outline]).all()


def test_a_bay_is_no_hole() -> None:
    mask = ring_and_crumb()
    mask.paste(0, (48, 60, 54, 120))
    after = shaped(mask, CutoutOptions(holes="fill"))
    assert after.getpixel((50, 60)) == 0


def test_both_and_an_empty_mask() -> None:
    both = shaped(ring_and_crumb(), CutoutOptions(components="largest", holes="fill"))
    assert (both.getpixel((50, 60)), both.getpixel((130, 60))) == (255, 0)
    empty = shaped(Image.new("L", (20, 20)), CutoutOptions(components="largest", holes="fill"))
    assert empty.getextrema() == (0, 0)
