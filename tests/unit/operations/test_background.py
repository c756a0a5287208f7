"""Cutting out, putting behind, blurring behind, and edges: nothing of the old background stays where it should not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pydantic import ValidationError

from darkroom.errors import NoForeground, NotFound
from darkroom.operations._base import Canvas, Operation
from darkroom.operations.background_blur import BackgroundBlur
from darkroom.operations.refine_edges import RefineEdges
from darkroom.operations.remove_background import RemoveBackground
from darkroom.operations.replace_background import ReplaceBackground
from tests.fakes.tools import EllipseTools
from tests.photos import photo, swapped_rgb_profile
from tests.unit.operations.samples import Array, applied, array, odd, sample, see_through

SKY = photo("rocket").resize((90, 30))


def with_tools() -> EllipseTools:
    return EllipseTools({"sky": SKY, "glass": Image.new("RGBA", (5, 5), (0, 0, 255, 128))})


def alpha_of(picture: Image.Image) -> Array:
    return array(picture.getchannel("A"))


def disc(radius: int = 40, *, hidden: str = "#0f0") -> Image.Image:
    """A red disc on transparency, 200 x 200, and under that another color."""
    y, x = np.mgrid[0:200, 0:200] + 0.5
    alpha = np.clip(radius + 0.5 - np.hypot(x - 100, y - 100), 0, 1) * 255
    picture = Image.new("RGB", (200, 200), hidden)
    mask = Image.fromarray(alpha.astype(np.uint8))
    picture.paste("#e01010", mask=mask.point([0] + [255] * 255))
    picture.putalpha(mask)
    return picture


def test_only_what_needs_the_subject_says_so() -> None:
    assert RemoveBackground.needs_subject
    assert ReplaceBackground.needs_subject
    assert BackgroundBlur.needs_subject
    assert not RefineEdges.needs_subject


@pytest.mark.parametrize("operation", [RemoveBackground(), ReplaceBackground(background="red"), BackgroundBlur()])
def test_a_picture_without_a_subject_is_refused(operation: Operation) -> None:
    with pytest.raises(NoForeground):
        operation.apply(Canvas(sample()), EllipseTools(share=0))


@given(
    st.one_of(
        st.builds(RemoveBackground),
        st.builds(
            ReplaceBackground,
            background=st.sampled_from(["red", "transparent", "linear-gradient(to top right, #fff, #08f8)"]),
        ),
        st.builds(ReplaceBackground, image=st.sampled_from(["sky", "glass"])),
        st.builds(BackgroundBlur, radius=st.floats(0, 10)),
        st.builds(RefineEdges, feather=st.floats(0, 5), shift=st.floats(-2, 2)),
    ),
    st.sampled_from(sorted(odd())),
)
def test_any_picture_keeps_its_size(operation: Operation, which: str) -> None:
    assert applied(operation, odd()[which], with_tools()).size == odd()[which].size


# --- remove ----------------------------------------------------------------------------------------------------------


def test_what_is_cut_away_is_gone_and_the_subject_is_as_it_was() -> None:
    mask = EllipseTools().subject(sample())
    done = applied(RemoveBackground(), sample())
    assert done.getchannel("A").tobytes() == mask.tobytes()
    away = np.asarray(mask) == 0
    assert array(done)[away].max() == 0, "not even hidden"
    np.testing.assert_array_equal(array(done.convert("RGB"))[~away], array(sample())[~away])


def test_what_was_transparent_before_stays_so() -> None:
    done = applied(RemoveBackground(), see_through(), EllipseTools(share=1))
    assert (alpha_of(done) <= alpha_of(see_through())).all()


# --- replace ---------------------------------------------------------------------------------------------------------


def test_a_color_behind_makes_an_opaque_picture() -> None:
    done = applied(ReplaceBackground(background="#08f"), sample())
    assert done.mode == "RGB"
    assert done.getpixel((0, 0)) == (0, 136, 255)
    assert done.getpixel((40, 30)) == sample().getpixel((40, 30))


def test_a_gradient_is_that_of_the_cut_out_route() -> None:
    done = array(applied(ReplaceBackground(background="linear-gradient(45deg, #fff, #08f 80%)"), sample()))
    assert np.abs(done[-1, 0] - 255).max() <= 4
    assert done[0, -1].tolist() == [0, 136, 255]


def test_a_picture_behind_covers_everything() -> None:
    done = applied(ReplaceBackground(image="sky"), sample(), with_tools())
    expected = SKY.resize((80, 60), Image.Resampling.BICUBIC, box=(25, 0, 65, 30))
    assert np.abs(array(done)[0] - array(expected)[0]).max() <= 1
    assert SKY.size == (90, 30)


def test_a_translucent_background_stays_translucent() -> None:
    done = applied(ReplaceBackground(image="glass"), sample(), with_tools())
    assert done.getpixel((0, 0)) == (0, 0, 255, 128)
    assert done.getpixel((40, 30))[3] == 255  # type: ignore[index]


def test_what_is_cut_out_already_is_not_cut_out_again() -> None:
    tools = with_tools()
    done = applied(ReplaceBackground(background="white"), see_through(), tools)
    assert tools.asked == 0
    assert done.getpixel((0, 0)) == (255, 255, 255)
    opaque = alpha_of(see_through()) == 255
    np.testing.assert_array_equal(array(done)[opaque], array(see_through())[..., :3][opaque])
    applied(ReplaceBackground(background="white"), sample().convert("RGBA"), tools)
    assert tools.asked == 1, "an alpha that is opaque everywhere is none"


def test_a_background_is_srgb_whatever_the_pictures_profile() -> None:
    for operation in (ReplaceBackground(background="red"), ReplaceBackground(image="red")):
        tools = EllipseTools({"red": Image.new("RGB", (4, 4), "red")})
        red, green, blue = applied(operation, Canvas(sample(), icc=swapped_rgb_profile()), tools).getpixel((0, 0))  # type: ignore[misc]
        assert green > 245 > 20 > max(red, blue), "the profile's first channel is green"


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({}, "either `background` or `image`"),
        ({"background": "red", "image": "sky"}, "either `background` or `image`"),
        ({"background": "linear-gradient(red)"}, "at least two colors"),
        ({"background": "reddish"}, "no color"),
    ],
)
def test_a_background_that_is_not_understood_is_refused(fields: dict[str, str], word: str) -> None:
    with pytest.raises(ValidationError, match=word):
        ReplaceBackground.model_validate(fields)


def test_a_background_that_is_not_there_is_not_found() -> None:
    with pytest.raises(NotFound):
        applied(ReplaceBackground(image="other"), sample(), with_tools())


# --- blur ------------------------------------------------------------------------------------------------------------


def test_no_blur_asks_for_no_subject() -> None:
    tools = with_tools()
    assert applied(BackgroundBlur(radius=0), sample(), tools).tobytes() == sample().tobytes()
    assert tools.asked == 0


def test_the_subject_stays_sharp_and_leaves_no_halo() -> None:
    mask = EllipseTools().subject(sample().resize((400, 300)))
    picture = Image.new("RGB", mask.size, "blue")
    picture.paste("yellow", mask=mask)
    done = array(applied(BackgroundBlur(radius=4), picture))
    subject, behind = np.asarray(mask) == 255, np.asarray(mask) == 0
    np.testing.assert_array_equal(done[subject], array(picture)[subject])
    assert np.abs(done[behind] - (0, 0, 255)).max() <= 12, "nothing yellow around the subject"


def test_the_background_is_blurred_and_alpha_is_kept() -> None:
    done = applied(BackgroundBlur(radius=5), photo("coffee"))
    detail = [np.abs(np.diff(array(picture)[:60, :90], axis=1)).mean() for picture in (done, photo("coffee"))]
    assert detail[0] < detail[1] / 3
    assert applied(BackgroundBlur(), see_through()).getchannel("A").tobytes() == see_through().getchannel("A").tobytes()


# --- edges -----------------------------------------------------------------------------------------------------------


def test_edges_that_are_not_to_change_do_not() -> None:
    assert applied(RefineEdges(feather=0, shift=0), see_through()).tobytes() == see_through().tobytes()


def test_a_picture_without_edges_is_warned_about() -> None:
    done = RefineEdges().apply(Canvas(sample()), EllipseTools())
    assert done.pixels is sample()
    assert "transparent" in done.warnings[0]


@pytest.mark.parametrize(("shift", "feather"), [(-2, 0), (-1, 0.1), (1, 0), (2, 0.5), (0, 1), (-0.5, 1)])
def test_edges_move_by_as_much_as_they_are_told(shift: float, feather: float) -> None:
    alpha = alpha_of(applied(RefineEdges(feather=feather, shift=shift), disc()))
    radius = np.sqrt(alpha.sum() / 255 / np.pi)
    assert radius == pytest.approx(40 + 2 * shift, abs=0.6)  # 200 pixels: one per cent is two
    assert alpha[100, 100] == 255
    assert alpha[0, 0] == 0


def test_feathering_makes_edges_softer() -> None:
    soft = [int(((alpha > 12) & (alpha < 243)).sum()) for alpha in (
        alpha_of(applied(RefineEdges(feather=feather), disc())) for feather in (0.25, 1, 3)
    )]  # fmt: skip
    assert soft == sorted(soft)
    assert soft[2] > 5 * soft[0]


@pytest.mark.parametrize(("shift", "feather"), [(2, 0), (0, 2), (1, 1)])
def test_wider_edges_have_the_subjects_color(shift: float, feather: float) -> None:
    done = array(applied(RefineEdges(shift=shift, feather=feather), disc()))
    seen = done[..., 3] > 100
    assert np.abs(done[seen][:, :3] - (0xE0, 0x10, 0x10)).max() <= 10
    faint = array(applied(RefineEdges(shift=shift, feather=feather), disc()).convert("RGBa"))
    assert faint[..., 1].max() <= 0x18, "no green from under what was transparent"


def test_a_rim_of_the_old_background_goes() -> None:
    """Half-transparent pixels that hold some of the old white are cut off, or take the subject's color."""
    picture = disc()
    rim = picture.getchannel("A").point([0] + [255] * 199 + [0] * 56)
    colors = picture.convert("RGB")
    colors.paste("white", mask=rim)
    colors.putalpha(picture.getchannel("A"))
    done = array(applied(RefineEdges(shift=-1, feather=0.3), colors))
    assert np.abs(done[done[..., 3] > 40][:, :3] - (0xE0, 0x10, 0x10)).max() <= 8


def test_glass_keeps_its_color() -> None:
    """Nothing in it is opaque, so there is nothing that could flow into it."""
    glass = Image.new("RGBA", (60, 60))
    glass.paste((20, 120, 220, 110), (15, 15, 45, 45))
    done = array(applied(RefineEdges(feather=1), glass))
    assert np.abs(done[20:40, 20:40] - (20, 120, 220, 110)).max() <= 2


def test_a_subject_that_reaches_the_edge_of_the_picture_still_does() -> None:
    half = Image.new("RGBA", (100, 50))
    half.paste("red", (0, 20, 100, 50))
    alpha = alpha_of(applied(RefineEdges(feather=1, shift=-1), half))
    assert (alpha[-1] == 255).all()
    assert (alpha[30:, 0] == 255).all()
