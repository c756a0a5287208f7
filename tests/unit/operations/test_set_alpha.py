"""Erasing and restoring by a mask: what is hidden, what comes back, and in which colors."""

from base64 import b64encode

import numpy as np
import pytest
from PIL import Image, ImageChops

from darkroom.errors import InvalidParameter, NotFound
from darkroom.operations import Canvas, parse, run
from tests.fakes.tools import EllipseTools
from tests.photos import save
from tests.unit.operations.samples import sample

SIZE = (80, 60)
LEFT = Image.new("L", SIZE)
LEFT.paste(255, (0, 0, 40, 60))
WHOLE = Image.new("L", SIZE, 255)


def url(mask: Image.Image) -> str:
    return "data:image/png;base64," + b64encode(save(mask, "PNG")).decode()


def done(*steps: dict[str, object], picture: Image.Image | None = None) -> Image.Image:
    canvas = Canvas(sample() if picture is None else picture)
    return run(canvas, parse(steps), EllipseTools()).pixels


def alpha_of(picture: Image.Image, x: int) -> int:
    return int(np.asarray(picture.getchannel("A"))[30, x])


@pytest.mark.parametrize(("mode", "left", "right"), [("keep", 255, 0), ("erase", 0, 255), ("restore", 255, 255)])
def test_white_is_meant(mode: str, left: int, right: int) -> None:
    picture = done({"op": "set_alpha", "mask": url(LEFT), "mode": mode})
    assert (alpha_of(picture, 10), alpha_of(picture, 70)) == (left, right)


def test_gray_is_half_and_a_smaller_mask_is_stretched() -> None:
    picture = done({"op": "set_alpha", "mask": url(Image.new("L", (8, 6), 128)), "mode": "keep"})
    assert set(picture.getchannel("A").tobytes()) == {128}


def test_strokes_on_a_transparent_sheet_are_meant_and_the_sheet_is_not() -> None:
    sheet = Image.new("RGBA", SIZE)
    sheet.paste((255, 255, 255, 255), (0, 0, 40, 60))
    picture = done({"op": "set_alpha", "mask": url(sheet), "mode": "erase"})
    assert (alpha_of(picture, 10), alpha_of(picture, 70)) == (0, 255)


def test_what_a_cut_out_took_comes_back_in_its_colors_and_nothing_else_changes() -> None:
    cut = done({"op": "remove_background"})
    back = done({"op": "remove_background"}, {"op": "set_alpha", "mask": url(LEFT), "mode": "restore"})
    assert alpha_of(cut, 2) == 0
    box = (0, 0, 40, 60)
    assert back.crop(box).convert("RGB").tobytes() == sample().crop(box).tobytes()
    assert back.crop(box).getchannel("A").getextrema() == (255, 255)
    assert not ImageChops.difference(back.crop((40, 0, 80, 60)), cut.crop((40, 0, 80, 60))).getbbox(alpha_only=False)


def test_what_comes_back_has_been_through_the_other_steps() -> None:
    """Brightened and mirrored as what was never cut away: the picture as it would be had nothing been."""
    others: list[dict[str, object]] = [{"op": "brightness", "amount": 30}, {"op": "flip"}]
    cut: dict[str, object] = {"op": "remove_background"}
    back = done(others[0], cut, others[1], {"op": "set_alpha", "mask": url(WHOLE), "mode": "restore"})
    assert back.convert("RGB").tobytes() == done(*others).tobytes()
    assert back.getchannel("A").getextrema() == (255, 255)


def test_erased_and_restored_is_as_it_was() -> None:
    mask: dict[str, object] = {"op": "set_alpha", "mask": url(LEFT)}
    assert done({**mask, "mode": "erase"}, {**mask, "mode": "restore"}).convert("RGB").tobytes() == sample().tobytes()


def test_what_was_cropped_comes_back_as_far_as_it_is_still_in_the_picture() -> None:
    steps: list[dict[str, object]] = [{"op": "remove_background"}, {"op": "crop_to_subject", "margin": 10}]
    cut = done(*steps)
    back = done(*steps, {"op": "set_alpha", "mask": url(WHOLE), "mode": "restore"})
    assert back.size == cut.size != SIZE
    assert (cut.getchannel("A").getextrema()[0], back.getchannel("A").getextrema()) == (0, (255, 255))


def test_a_mask_that_is_none_is_said_of_the_mask() -> None:
    with pytest.raises(NotFound) as gone:
        done({"op": "set_alpha", "mask": "upl_none"})
    assert gone.value.param == "operations[0].mask"


def test_a_mask_too_large_to_be_kept_with_the_steps_is_refused() -> None:
    with pytest.raises(InvalidParameter) as refused:
        parse([{"op": "set_alpha", "mask": "data:image/png;base64," + "A" * 24_000}])
    assert refused.value.param == "operations[0].mask"
