"""Sharpening, blurring and taking out noise, without anything hidden under transparency shining through."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFilter

from darkroom.operations._base import Operation
from darkroom.operations.blur import Blur
from darkroom.operations.denoise import Denoise
from darkroom.operations.grain import Grain
from darkroom.operations.sharpen import Sharpen
from tests.photos import photo
from tests.unit.operations.samples import applied, array, odd, sample, see_through


def noisy(deviation: float) -> Image.Image:
    clean = np.asarray(photo("astronaut"), float)
    noise = np.random.default_rng(1).normal(0, deviation, clean.shape)
    return Image.fromarray(np.clip(clean + noise + 0.5, 0, 255).astype(np.uint8))


def error(picture: Image.Image) -> float:
    """Mean square, to the photograph without noise."""
    return float(((array(picture) - array(photo("astronaut"))) ** 2).mean())


def energy(picture: Image.Image) -> float:
    """How much neighbours differ."""
    return float(np.abs(np.diff(array(picture.convert("RGB")), axis=1)).mean())


@pytest.mark.parametrize("operation", [Sharpen(amount=0), Blur(radius=0), Denoise(amount=0)])
@pytest.mark.parametrize("picture", [sample(), see_through()], ids=["opaque", "transparent"])
def test_no_strength_changes_nothing(operation: Operation, picture: Image.Image) -> None:
    assert applied(operation, picture).tobytes() == picture.tobytes()


@given(
    st.one_of(
        st.builds(Sharpen, amount=st.floats(0, 500), radius=st.floats(0.01, 5), threshold=st.integers(0, 255)),
        st.builds(Blur, radius=st.floats(0, 20)),
        st.builds(Denoise, amount=st.floats(0, 100)),
    ),
    st.sampled_from(sorted(odd())),
)
def test_any_picture_keeps_its_size_and_its_mode(operation: Operation, which: str) -> None:
    picture = odd()[which]
    done = applied(operation, picture)
    assert (done.mode, done.size) == (picture.mode, picture.size)
    if picture.mode == "RGBA" and not isinstance(operation, Blur):
        assert done.getchannel("A").tobytes() == picture.getchannel("A").tobytes()


@pytest.mark.parametrize("operation", [Sharpen(), Blur(radius=5), Denoise(amount=100)])
def test_an_even_picture_stays_even(operation: Operation) -> None:
    even = Image.new("RGB", (60, 40), (12, 130, 240))
    assert applied(operation, even).tobytes() == even.tobytes()


@pytest.mark.parametrize("operation", [Sharpen(amount=300, radius=3), Blur(radius=4), Denoise(amount=100)])
def test_what_is_hidden_under_transparency_does_not_show(operation: Operation) -> None:
    """The same cut-out over another hidden color is the same wherever anything of it is seen."""
    green = see_through()
    red = Image.new("RGB", green.size, "#f00")
    red.paste(green.convert("RGB"), mask=green.getchannel("A").point([0] + [255] * 255))
    red.putalpha(green.getchannel("A"))
    ours, theirs = (array(applied(operation, picture).convert("RGBa")) for picture in (green, red))
    seen = ours[..., 3] > 0
    assert np.abs(ours - theirs)[seen].max() <= 1


def test_sharpening_raises_contrast_at_edges_and_leaves_noise_below_the_threshold() -> None:
    assert energy(applied(Sharpen(), photo("coffee"))) > 1.1 * energy(photo("coffee"))
    speckled = applied(Grain(amount=2, size=0.01), Image.new("RGB", (90, 60), (128, 128, 128)))
    assert applied(Sharpen(amount=300, threshold=40), speckled).tobytes() == speckled.tobytes()


def test_sharpening_is_an_unsharp_mask() -> None:
    done = applied(Sharpen(amount=100, radius=0.5, threshold=0), photo("coffee"))
    reach = max(photo("coffee").size) * 0.5 / 100
    soft = array(photo("coffee").filter(ImageFilter.GaussianBlur(reach)))
    expected = np.clip(2 * array(photo("coffee")) - soft, 0, 255)
    assert np.abs(array(done) - expected).max() <= 2


def test_the_radius_is_a_share_of_the_longer_side() -> None:
    large = photo("coffee").resize((1200, 800), Image.Resampling.BICUBIC)
    small = photo("coffee")
    assert max(small.size) == 600
    ours = applied(Blur(radius=1), large).resize(small.size, Image.Resampling.BOX)
    assert np.abs(array(ours) - array(applied(Blur(radius=1), small))).mean() < 1


def test_a_blur_spreads_evenly_and_keeps_what_there_is() -> None:
    dot = Image.new("RGB", (101, 101))
    ImageDraw.Draw(dot).rectangle((46, 46, 54, 54), fill="white")
    done = array(applied(Blur(radius=5), dot))[..., 0]
    assert done.sum() == pytest.approx(255 * 81, rel=0.05)
    np.testing.assert_array_equal(done, done[::-1, ::-1])
    np.testing.assert_allclose(done, done.T, atol=1)


def test_a_blurred_cut_out_has_soft_edges_without_a_seam() -> None:
    half = Image.new("RGBA", (100, 40))
    half.paste((200, 100, 50, 255), (0, 0, 50, 40))
    red, green, blue, alpha = np.moveaxis(array(applied(Blur(radius=4), half)), 2, 0)
    edge = (alpha > 60) & (alpha < 255)
    assert edge.any()
    assert np.abs(np.stack([red, green, blue], 2)[edge] - (200, 100, 50)).max() <= 4


@pytest.mark.parametrize(("deviation", "amount", "gain"), [(8, 20, 2), (15, 35, 3), (30, 70, 5)])
def test_denoising_comes_closer_to_the_picture_without_noise(deviation: float, amount: float, gain: float) -> None:
    with_noise = noisy(deviation)
    decibels = 10 * np.log10(error(with_noise) / error(applied(Denoise(amount=amount), with_noise)))
    assert decibels > gain


def test_denoising_keeps_edges() -> None:
    edge = Image.new("RGB", (80, 40), "black")
    edge.paste("white", (40, 0, 80, 40))
    done = array(applied(Denoise(amount=60), edge))[20, :, 0]
    assert done[39] <= 12
    assert done[40] >= 243
    blurred = array(edge.filter(ImageFilter.GaussianBlur(2)))[20, :, 0]
    assert blurred[39] > 80, "a blur does not"
