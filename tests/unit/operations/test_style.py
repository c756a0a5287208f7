"""Vintage, vignette and grain: nothing at 0, what they say otherwise, and the same grain for a seed everywhere."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pydantic import ValidationError

from darkroom.operations._base import Canvas, Operation
from darkroom.operations.grain import Grain
from darkroom.operations.vignette import Vignette
from darkroom.operations.vintage import Vintage
from tests.photos import swapped_rgb_profile
from tests.unit.operations.samples import Array, applied, array, odd, sample, see_through


def flat(value: int, size: tuple[int, int] = (200, 160)) -> Image.Image:
    return Image.new("RGB", size, (value, value, value))


@pytest.mark.parametrize("operation", [Vintage(amount=0), Vignette(amount=0), Grain(amount=0)])
@pytest.mark.parametrize("picture", [sample(), see_through()], ids=["opaque", "transparent"])
def test_no_strength_changes_nothing(operation: Operation, picture: Image.Image) -> None:
    assert applied(operation, picture).tobytes() == picture.tobytes()


@given(
    st.one_of(
        st.builds(Vintage, amount=st.floats(0, 100)),
        st.builds(
            Vignette,
            amount=st.floats(0, 100),
            start=st.floats(0, 95),
            shape=st.sampled_from(["circle", "ellipse"]),
            color=st.sampled_from(["black", "white", "rgba(255, 0, 0, 0.5)"]),
        ),
        st.builds(
            Grain,
            amount=st.floats(0, 100),
            size=st.floats(0.01, 2),
            colored=st.booleans(),
            seed=st.integers(0, 2**32 - 1),
        ),
    ),
    st.sampled_from(sorted(odd())),
)
def test_any_picture_keeps_its_size_its_mode_and_its_alpha(operation: Operation, which: str) -> None:
    picture = odd()[which]
    done = applied(operation, picture)
    assert (done.mode, done.size) == (picture.mode, picture.size)
    if picture.mode == "RGBA":
        assert done.getchannel("A").tobytes() == picture.getchannel("A").tobytes()


def test_vintage_lifts_black_yellows_white_and_pales_colors() -> None:
    red, green, blue = array(applied(Vintage(), flat(0, (1, 1))))[0, 0]
    assert 15 < green <= blue < red < 40
    red, green, blue = array(applied(Vintage(), flat(255, (1, 1))))[0, 0]
    assert 200 < blue < green < red < 255
    done = array(applied(Vintage(), sample()))
    assert np.ptp(done, axis=2).mean() < np.ptp(array(sample()), axis=2).mean()


def test_vintage_goes_from_nothing_to_all_of_it_in_a_straight_line() -> None:
    before, half, after = (np.array(Vintage(amount=amount).color()((0.2, 0.5, 0.8))) for amount in (0, 50, 100))
    assert half == pytest.approx((before + after) / 2)
    assert before == pytest.approx((0.2, 0.5, 0.8))


def vignetted(size: tuple[int, int] = (200, 160), **fields: object) -> Array:
    return array(applied(Vignette.model_validate(fields), flat(200, size)))[..., 0]


def test_a_vignette_leaves_the_middle_and_darkens_towards_the_corners() -> None:
    done = vignetted(amount=50, start=30)
    assert (done[60:100, 80:120] == 200).all()
    assert done[0, 0] == pytest.approx(100, abs=2)
    diagonal = done[np.arange(160), np.arange(160) * 200 // 160]
    assert (np.diff(diagonal[80:]) <= 0).all()
    np.testing.assert_allclose(done, done[::-1, ::-1], atol=1)


@pytest.mark.parametrize("size", [(3000, 40), (1000, 700), (130, 127), (2, 2)])
def test_a_vignette_is_as_exact_on_large_pictures(size: tuple[int, int]) -> None:
    x, y = ((2 * np.arange(side) + 1) / side - 1 for side in size)
    way = np.clip((np.sqrt((x[None] ** 2 + y[:, None] ** 2) / 2) - 0.3) / 0.7, 0, 1)
    expected = 200 * (1 - 0.8 * way**2 * (3 - 2 * way))
    assert np.abs(vignetted(size, amount=80) - expected).max() <= 2


def test_a_circle_is_round_on_any_picture_and_an_ellipse_follows_it() -> None:
    circle, ellipse = (vignetted((400, 100), amount=100, start=0, shape=shape) for shape in ("circle", "ellipse"))
    assert circle[0, 200] > circle[50, 0]
    assert ellipse[0, 200] == pytest.approx(ellipse[50, 0], abs=3)
    assert circle[50, 200 + 45] == pytest.approx(circle[50 - 45, 200], abs=1)


def test_a_vignettes_color_is_srgb_whatever_the_pictures_profile() -> None:
    white = vignetted(amount=100, color="white")
    assert white[0, 0] >= 253
    assert (white >= 200).all()
    canvas = Canvas(flat(0), icc=swapped_rgb_profile())
    red, green, blue = array(applied(Vignette(amount=100, color="red"), canvas))[0, 0]
    assert green > 230 > 40 > max(red, blue), "the profile's first channel is green"


def test_a_translucent_color_counts_as_much_as_it_is_opaque() -> None:
    assert vignetted(amount=100, color="rgba(0, 0, 0, 0.5)")[0, 0] == pytest.approx(100, abs=2)
    assert (vignetted(amount=100, color="transparent") == 200).all()


def test_grain_depends_on_its_seed_alone() -> None:
    first, again, other = (applied(Grain(seed=seed), sample()).tobytes() for seed in (7, 7, 8))
    assert first == again
    assert first != other


def test_grain_is_the_same_in_another_process() -> None:
    code = (
        "from PIL import Image; from darkroom.operations._base import Canvas;"
        "from darkroom.operations.grain import Grain; import sys, hashlib;"
        "picture = Image.new('RGB', (64, 48), (90, 120, 150));"
        "print(hashlib.sha256(Grain(seed=5, size=0.5).apply(Canvas(picture), None).pixels.tobytes()).hexdigest())"
    )
    runs = {subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout for _ in range(2)}
    assert len(runs) == 1


def test_grain_keeps_the_brightness_and_grows_with_its_amount() -> None:
    weak, strong = (array(applied(Grain(amount=amount), flat(128)))[..., 0] for amount in (20, 60))
    assert abs(weak.mean() - 128) < 0.5
    assert weak.std() == pytest.approx(10, abs=1)
    assert strong.std() == pytest.approx(30, abs=2)


def test_grain_is_strongest_in_the_midtones() -> None:
    spread = [array(applied(Grain(), flat(value)))[..., 0].std() for value in (25, 128, 230)]
    assert spread[0] < 0.75 * spread[1] > spread[2]


def test_grain_is_grey_unless_it_is_to_be_colored() -> None:
    assert np.ptp(array(applied(Grain(), flat(128))), axis=2).max() == 0
    assert np.ptp(array(applied(Grain(colored=True), flat(128))), axis=2).mean() > 5


@pytest.mark.parametrize("colored", [False, True])
def test_a_grains_size_is_a_share_of_the_longer_side(colored: bool) -> None:
    def alike(size: float) -> tuple[float, float]:
        done = array(applied(Grain(size=size, colored=colored), flat(128, (600, 400))))[..., 0] - 128.0
        return float((done[:, 1:] * done[:, :-1]).mean() / done.var()), float(done.std())

    (fine, fine_spread), (coarse, coarse_spread) = alike(0.01), alike(1)
    assert abs(fine) < 0.05, "a pixel says nothing of the next"
    assert coarse > 0.7, "grains of six pixels"
    assert coarse_spread == pytest.approx(fine_spread, rel=0.15)


@pytest.mark.parametrize(
    ("operation", "fields", "word"),
    [
        (Vignette, {"amount": 101}, "less than or equal to 100"),
        (Vignette, {"color": "blackish"}, "no color"),
        (Grain, {"seed": -1}, "greater than or equal to 0"),
        (Vintage, {"strength": 3}, "Extra inputs"),
    ],
)
def test_what_is_out_of_range_is_refused(operation: type[Operation], fields: dict[str, object], word: str) -> None:
    with pytest.raises(ValidationError, match=word):
        operation.model_validate(fields)
