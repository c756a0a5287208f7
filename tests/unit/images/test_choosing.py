"""Which part of a picture is meant: boxes, points and strokes, and masks made once more."""

from io import BytesIO
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image, ImageDraw

from darkroom.errors import CallerError, InvalidParameter, NoForeground
from darkroom.images.pipeline import refine, remove_background
from darkroom.models.cutout import Beside, Cutout, CutoutOptions
from tests.fakes.matting import FakeMatter
from tests.photos import load, save

SIZE = (400, 200)


class Dots:
    """The subject is what is red. Implements ports.Segmenter."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, int]] = []

    def available(self) -> tuple[str, ...]:
        return ("u2net",)

    def mask(self, image: Image.Image, model: str) -> Image.Image:
        self.seen.append(image.size)
        values = np.asarray(image.convert("RGB")).astype(int)
        found = (values[..., 0] - values[..., 1]) > 100
        if not found.any():
            raise NoForeground("Nothing.")
        return Image.fromarray((found * 255).astype(np.uint8)).resize((320, 320))


def two_dots() -> Image.Image:
    """Red discs at the left (small) and at the right (large)."""
    picture = Image.new("RGB", SIZE, "white")
    pen = ImageDraw.Draw(picture)
    pen.ellipse((40, 70, 100, 130), fill="red")
    pen.ellipse((240, 30, 380, 170), fill="red")
    return picture


PHOTO = save(two_dots(), "PNG")


def run(data: bytes = PHOTO, beside: Beside = Beside(), **options: Any) -> Cutout:  # noqa: B008 - it never changes
    return remove_background(
        data,
        CutoutOptions(**options),
        beside,
        segmenter=Dots(),
        matter=FakeMatter(),
        default_model="u2net",
        max_megapixels=4,
    )


def solid(cutout: Cutout) -> tuple[bool, bool]:
    """Whether the left and the right disc are there."""
    alpha = load(cutout.data).getchannel("A")
    return alpha.getpixel((70, 100)) == 255, alpha.getpixel((310, 100)) == 255


def stroke(box: tuple[int, int, int, int], size: tuple[int, int] = SIZE, mode: str = "L") -> bytes:
    mask = Image.new("L", size)
    mask.paste(255, box)
    if mode == "RGBA":
        clear = Image.new("RGBA", size)
        clear.paste((255, 255, 255, 255), box)
        return save(clear, "PNG")
    if mode == "I;16":
        return save(Image.fromarray(np.asarray(mask).astype(np.uint16) * 257), "PNG")
    return save(mask.convert(mode), "PNG" if mode != "CMYK" else "TIFF")


class TestSubject:
    @pytest.mark.parametrize(
        ("subject", "found"),
        [
            ("0 0 50% 100%", (True, False)),
            ("200px 0 400px 200px", (False, True)),
            ("-10 -10 900 900", (True, True)),
            ([0, 0, 200, 200], (True, False)),
            ({"box": [200, 0, 400, 200]}, (False, True)),
            ({"left": 0, "top": 0, "width": 150, "height": 200}, (True, False)),
            ('{"points": [[70, 100]]}', (True, False)),
            ("310 100", (False, True)),
            ("70 100; 77.5% 50%", (True, True)),
            ([[70, 100], [310, 100]], (True, True)),
            ({"x": 70, "y": 100}, (True, False)),
            ([{"x": 310.5, "y": 100}], (False, True)),
        ],
    )
    def test_what_is_meant_is_cut_out_alone(self, subject: Any, found: tuple[bool, bool]) -> None:
        assert solid(run(subject=subject)) == found

    def test_a_box_is_all_that_the_network_looks_at(self) -> None:
        segmenter = Dots()
        remove_background(
            PHOTO,
            CutoutOptions(subject="25 50 125 150"),
            segmenter=segmenter,
            matter=FakeMatter(),
            default_model="u2net",
            max_megapixels=4,
        )
        assert segmenter.seen == [(100, 100)]

    @pytest.mark.parametrize(
        ("subject", "error"),
        [
            ("100 0 100 200", InvalidParameter),
            ("300 0 100 200", InvalidParameter),
            ("400 0 500 200", InvalidParameter),
            ("401 100", InvalidParameter),
            ("-1 100", InvalidParameter),
            ("101% 0", InvalidParameter),
            ("0 0 20 20", NoForeground),
            ("5 5", NoForeground),
        ],
    )
    def test_what_is_not_there_is_refused_by_its_field(self, subject: str, error: type[CallerError]) -> None:
        with pytest.raises(error) as refused:
            run(subject=subject)
        assert refused.value.param in ("subject", None)
        assert refused.value.charged is False

    @pytest.mark.parametrize(
        "subject", ["", "here", "1 2 3", "1;2", "nan nan", "1e9 1", [1, "x"], {"box": 1}, [[]], "1 1;" * 30]
    )
    def test_what_is_neither_box_nor_point_is_refused(self, subject: Any) -> None:
        with pytest.raises(ValueError, match="subject"):
            CutoutOptions(subject=subject)


class TestStrokes:
    @pytest.mark.parametrize("mode", ["L", "RGB", "1", "RGBA", "P", "CMYK", "I;16"])
    def test_what_is_white_goes_or_stays(self, mode: str) -> None:
        left, empty = (0, 0, 200, 200), (150, 20, 180, 60)
        assert solid(run(beside=Beside(erase=stroke(left, mode=mode)))) == (False, True)
        kept = load(run(beside=Beside(keep=stroke(empty, mode=mode))).data)
        assert kept.getpixel((165, 40)) == (255, 255, 255, 255)
        assert kept.getchannel("A").getpixel((165, 100)) == 0

    def test_what_is_in_both_goes(self) -> None:
        both = stroke((0, 0, 200, 200))
        assert solid(run(beside=Beside(keep=both, erase=both))) == (False, True)

    @pytest.mark.parametrize("size", [(40, 20), (1600, 800), (401, 200), (57, 29)])
    def test_a_mask_of_another_size_is_scaled(self, size: tuple[int, int]) -> None:
        mask = stroke((0, 0, size[0] // 2, size[1]), size)
        assert solid(run(beside=Beside(erase=mask))) == (False, True)

    @pytest.mark.parametrize("name", ["keep", "erase"])
    def test_a_mask_of_another_shape_is_refused_by_its_field(self, name: str) -> None:
        with pytest.raises(InvalidParameter, match="another shape") as refused:
            run(beside=Beside(**{name: stroke((0, 0, 9, 9), (200, 400))}))
        assert refused.value.param == name

    def test_a_mask_is_drawn_on_the_picture_as_it_is_shown(self) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6
        lying = two_dots().transpose(Image.Transpose.ROTATE_90)
        turned = save(lying, "JPEG", quality=95, exif=exif)
        assert solid(run(turned, Beside(erase=stroke((0, 0, 200, 200))))) == (False, True)
        assert solid(run(turned, subject="310 100")) == (False, True)

    def test_black_all_over_is_told(self) -> None:
        made = run(beside=Beside(keep=stroke((0, 0, 0, 0))))
        assert "`keep` is black all over: what is meant has to be white." in made.warnings

    def test_no_picture_is_refused_by_its_field(self) -> None:
        with pytest.raises(CallerError) as refused:
            run(beside=Beside(erase=b"no picture"))
        assert refused.value.param == "erase"

    def test_nothing_left_is_refused(self) -> None:
        with pytest.raises(NoForeground):
            run(beside=Beside(erase=stroke((0, 0, *SIZE))))


class TestOnceMore:
    @staticmethod
    def again(first: Cutout, beside: Beside = Beside(), **options: Any) -> Cutout:  # noqa: B008 - it never changes
        assert first.original is not None
        assert first.alpha is not None
        return refine(first.original, first.alpha, CutoutOptions(**options), beside, model="u2net", max_megapixels=4)

    def test_without_a_change_it_is_the_same(self) -> None:
        first = run()
        made = self.again(first)
        assert (made.data, made.model, made.quality) == (first.data, "u2net", first.quality)

    def test_strokes_components_points_and_boxes_work_on_the_mask(self) -> None:
        first = run()
        assert solid(self.again(first, Beside(erase=stroke((200, 0, 400, 200))))) == (True, False)
        assert solid(self.again(first, components="largest")) == (False, True)
        assert solid(self.again(first, subject="70 100")) == (True, False)
        assert solid(self.again(first, subject="0 0 200 200")) == (True, False)
        for subject in ("5 5", "0 0 20 20"):
            with pytest.raises(NoForeground):
                self.again(first, subject=subject)

    def test_what_was_drawn_stays_in_what_is_made_of_it(self) -> None:
        second = self.again(run(), Beside(erase=stroke((0, 0, 200, 200))))
        assert solid(self.again(second, background=None)) == (False, True)

    def test_a_zip_has_color_and_alpha(self) -> None:
        made = self.again(run(), format="zip")
        archive = ZipFile(BytesIO(made.data))
        assert (archive.namelist(), made.media_type) == (["color.jpg", "alpha.png"], "application/zip")
        color, alpha = (load(archive.read(name)) for name in archive.namelist())
        assert (color.mode, color.size, alpha.mode, alpha.size) == ("RGB", SIZE, "L", SIZE)
        assert (alpha.getpixel((310, 100)), alpha.getpixel((5, 5))) == (255, 0)
        assert made.data == self.again(run(), format="zip").data

    @pytest.mark.parametrize(("kind", "given"), [("PNG", 300), ("JPEG", 240), ("TIFF", 72)])
    def test_pixels_per_inch_are_kept_or_said(self, kind: str, given: int) -> None:
        photo = save(two_dots(), kind, dpi=(given, given))
        for asked, expected in ((None, given), (150, 150)):
            for output in ("png", "jpeg"):
                made = run(photo, format=output, dpi=asked)
                assert round(load(made.data).info["dpi"][0]) == expected
