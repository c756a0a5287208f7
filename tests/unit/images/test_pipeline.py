"""The whole way, with a segmenter that knows where the subject is: stages, times, and mistakes told early."""

from typing import Any

import numpy as np
import pytest
from PIL import Image

from darkroom.errors import (
    CallerError,
    InvalidParameter,
    LowQuality,
    NoForeground,
    UnreadableImage,
    UnsupportedMediaType,
)
from darkroom.images.pipeline import remove_background
from darkroom.models.cutout import Beside, Cutout, CutoutOptions
from tests.fakes.matting import FakeMatter
from tests.photos import load, photo, save, swapped_rgb_profile


class LeftHalf:
    """A segmenter to whom the left half of every picture is the subject. Remembers what it was shown."""

    def __init__(self, refusal: CallerError | None = None) -> None:
        self.seen: list[tuple[Image.Image, str]] = []
        self._refusal = refusal

    def available(self) -> tuple[str, ...]:
        return ("left", "other")

    def mask(self, image: Image.Image, model: str) -> Image.Image:
        if self._refusal is not None:
            raise self._refusal
        self.seen.append((image, model))
        mask = Image.new("L", (320, 320))
        mask.paste(255, (0, 0, 160, 320))
        return mask


class TopHalf(FakeMatter):
    """A matter who keeps the upper half of the mask."""

    def refine(self, image: Image.Image, mask: Image.Image) -> Image.Image:
        refined = mask.resize(image.size)
        refined.paste(0, (0, image.height // 2, image.width, image.height))
        return refined


def run(
    data: bytes, segmenter: LeftHalf | None = None, background_image: bytes | None = None, **options: Any
) -> Cutout:
    return remove_background(
        data,
        CutoutOptions(**options),
        Beside(behind=background_image),
        segmenter=segmenter or LeftHalf(),
        matter=TopHalf(),
        default_model="left",
        max_megapixels=4,
    )


def test_a_cutout_tells_all_about_itself() -> None:
    result = run(save(photo("coffee"), "PNG"))
    assert (result.width, result.height, result.media_type, result.model) == (600, 400, "image/png", "left")
    assert (result.subject.left, result.subject.top, result.subject.height) == (0, 0, 400)
    assert abs(result.subject.width - 300) <= 2
    assert list(result.timings_ms) == ["decode", "segment", "cutout", "encode"]
    assert all(value >= 0 for value in result.timings_ms.values())
    pixels = load(result.data)
    assert pixels.mode == "RGBA"
    assert (np.asarray(pixels)[:, :290, :3] == np.asarray(photo("coffee"))[:, :290]).all()
    assert pixels.crop((310, 0, 600, 400)).getextrema() == ((0, 0),) * 4


def test_matting_is_a_stage_of_its_own() -> None:
    result = run(save(photo("coffee"), "PNG"), matting=True)
    assert list(result.timings_ms) == ["decode", "segment", "matte", "cutout", "encode"]
    assert result.subject.height == 200


def test_the_model_asked_for_is_used() -> None:
    segmenter = LeftHalf()
    assert run(save(photo("coffee"), "PNG"), segmenter, model="other").model == "other"
    assert segmenter.seen[0][1] == "other"


def test_what_is_installed_stands_in_for_a_default_that_is_not() -> None:
    segmenter, picture = LeftHalf(), save(photo("coffee"), "PNG")
    result = remove_background(
        picture, CutoutOptions(), segmenter=segmenter, matter=TopHalf(), default_model="u2net", max_megapixels=4
    )
    assert (result.model, segmenter.seen[0][1]) == ("left", "left")
    assert result.warnings == ("u2net is not installed here, or not yet: left was used.",)


def test_fast_is_the_smallest_model() -> None:
    assert CutoutOptions(model="Fast").model == "u2netp"
    result = run(save(photo("coffee"), "PNG"), model="fast")
    assert (result.model, result.warnings) == ("u2netp", ())


def test_the_segmenter_sees_white_where_the_picture_is_transparent() -> None:
    pixels = Image.new("RGBA", (40, 40), (255, 0, 0, 0))
    pixels.paste((10, 20, 30, 255), (10, 10, 30, 30))
    segmenter = LeftHalf()
    result = run(save(pixels, "PNG"), segmenter)
    shown = segmenter.seen[0][0]
    assert shown.mode == "RGB"
    assert [shown.getpixel(at) for at in ((0, 0), (20, 20))] == [(255, 255, 255), (10, 20, 30)]
    assert [load(result.data).getpixel(at) for at in ((0, 0), (15, 20))] == [(0, 0, 0, 0), (10, 20, 30, 255)]


def test_a_picture_behind_is_decoded_like_any_other() -> None:
    behind = save(Image.new("RGB", (9, 9), "lime"), "GIF")
    result = run(save(photo("coffee"), "PNG"), background_image=behind)
    assert next(iter(result.timings_ms)) == "decode_background"
    assert load(result.data).getpixel((590, 200)) == (0, 255, 0)
    with pytest.raises(UnsupportedMediaType):
        run(save(photo("coffee"), "PNG"), background_image=b"<svg/>")


@pytest.mark.parametrize(
    ("options", "behind"), [({"background": "no colour"}, None), ({"background": "red"}, save(photo("coffee"), "PNG"))]
)
def test_a_wrong_background_is_told_before_the_work_is_done(options: dict[str, str], behind: bytes | None) -> None:
    segmenter = LeftHalf()
    with pytest.raises(InvalidParameter, match="background"):
        run(save(photo("coffee"), "PNG"), segmenter, behind, **options)
    assert segmenter.seen == []


def test_refusals_pass_through() -> None:
    with pytest.raises(NoForeground):
        run(save(photo("coffee"), "PNG"), LeftHalf(NoForeground("nothing")))
    with pytest.raises(UnreadableImage):
        run(save(photo("coffee"), "PNG")[:500])


def test_warnings_of_all_stages_are_told() -> None:
    frames = [photo("coffee"), photo("coffee").rotate(180)]
    result = run(save(frames[0], "PNG", save_all=True, append_images=frames[1:]), format="jpeg")
    assert len(result.warnings) == 2
    assert "first was used" in result.warnings[0]
    assert "white" in result.warnings[1]


def test_small_results_of_large_jpegs_are_the_same_to_the_eye() -> None:
    large = photo("rocket", 3.9)
    quick = load(run(save(large, "JPEG", quality=95), max_size=300).data)
    exact = load(run(save(large, "PNG"), max_size=300).data)
    assert quick.size == exact.size == (300, 200)
    difference = np.abs(np.asarray(quick, int) - np.asarray(exact, int))[:, :145]
    assert difference.mean() < 1.5


class HalfFog(LeftHalf):
    """A segmenter that could not decide about the right half."""

    def mask(self, image: Image.Image, model: str) -> Image.Image:
        mask = super().mask(image, model)
        mask.paste(130, (160, 0, 320, 320))
        return mask


def test_a_sure_cutout_is_clean_and_says_nothing_else() -> None:
    result = run(save(photo("coffee"), "PNG"))
    assert result.quality is not None
    assert (result.quality.score, result.quality.verdict, result.quality.box) == (1, "clean", None)
    assert result.quality.reasons == ("touching_border",)
    assert result.warnings == ()


def test_a_doubtful_cutout_says_where_to_look_in_pixels_of_the_result() -> None:
    result = run(save(photo("coffee"), "PNG"), HalfFog(), crop=True, max_size=300)
    assert (result.width, result.height) == (300, 200)
    found = result.quality
    assert found is not None
    assert found.verdict == "look"
    assert found.score < 0.2
    assert found.reasons == ("fog", "touching_border")
    assert found.box is not None
    assert abs(found.box.left - 150) <= 3
    assert (found.box.left + found.box.width, found.box.top, found.box.height) == (300, 0, 200)
    assert any("not sure" in warning for warning in result.warnings)


def test_a_cutout_below_the_quality_that_was_asked_for_is_refused() -> None:
    picture = save(photo("coffee"), "PNG")
    with pytest.raises(LowQuality, match=r"scores 0\.\d+, and 0\.5 was asked for") as raised:
        run(picture, HalfFog(), min_quality=0.5)
    problem = raised.value.problem()
    assert (problem["code"], problem["status"], problem["charged"]) == ("LOW_QUALITY", 422, False)
    assert problem["reasons"] == ["fog", "touching_border"]
    assert run(picture, min_quality=1).quality is not None
    assert run(picture, HalfFog(), min_quality=0.01).quality is not None


@pytest.mark.parametrize("output_format", ["png", "webp", "jpeg"])
def test_the_profile_reaches_the_result(output_format: str) -> None:
    data = save(photo("coffee"), "JPEG", icc_profile=swapped_rgb_profile())
    assert load(run(data, format=output_format).data).info["icc_profile"] == swapped_rgb_profile()
