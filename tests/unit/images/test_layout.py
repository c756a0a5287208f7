"""Frames, room and shadows around a cut-out."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from darkroom.errors import InvalidParameter
from darkroom.images.layout import around, fitted_in
from darkroom.images.shadow import Shadow, on_ground, reach
from darkroom.models.cutout import CutoutOptions
from darkroom.models.cutout_request import CutoutRequest
from darkroom.models.presets import presets
from tests.photos import load
from tests.unit.images.test_choosing import SIZE, run

SIDES = st.integers(1, 3000)


@given(st.tuples(SIDES, SIDES), st.tuples(st.integers(16, 4000), st.integers(16, 4000)), st.floats(5, 100))
def test_a_subject_fills_what_was_asked_for_and_stays_inside(
    content: tuple[int, int], canvas: tuple[int, int], fill: float
) -> None:
    layout = fitted_in(content, canvas, fill=fill, pad="0", position="center")
    assert layout.size == canvas
    for axis in (0, 1):
        assert layout.place[axis] >= 0
        assert layout.place[axis] + layout.content[axis] <= canvas[axis]
    share = max(layout.content[axis] / canvas[axis] for axis in (0, 1)) * 100
    assert share == pytest.approx(fill, abs=100 / min(canvas))


@pytest.mark.parametrize(
    ("pad", "size", "place"),
    [
        ("0", (200, 100), (0, 0)),
        ("10", (220, 120), (10, 10)),
        ("10px 20px", (240, 120), (20, 10)),
        ("5% 0 10%", (200, 130), (0, 10)),
        ("1 2 3 4", (206, 104), (4, 1)),
    ],
)
def test_room_is_said_as_css_has_it(pad: str, size: tuple[int, int], place: tuple[int, int]) -> None:
    layout = around((200, 100), pad)
    assert (layout.size, layout.place, layout.content) == (size, place, (200, 100))


@pytest.mark.parametrize("pad", ["", "x", "-1", "1 2 3 4 5", "201%", "99999", "1em"])
def test_room_that_is_not_understood_is_refused_before_the_work(pad: str) -> None:
    with pytest.raises(InvalidParameter) as refused:
        run(pad=pad)
    assert refused.value.param == "pad"


def test_room_that_is_too_much_is_refused() -> None:
    with pytest.raises(InvalidParameter, match="pixels"):
        run(pad="9999")
    with pytest.raises(InvalidParameter, match="no room"):
        run(fit="100x100", pad="50%")


@pytest.mark.parametrize("fit", ["15", "17000", "16384x16384", "axb", "10x", "0", [100], [1, 2, 3]])
def test_a_canvas_that_cannot_be_is_refused(fit: object) -> None:
    with pytest.raises(ValueError, match="fit"):
        CutoutOptions.model_validate({"fit": fit})


@pytest.mark.parametrize("fit", ["300x600", [300, 600], {"width": 300, "height": 600}, " 300 X 600 px"])
def test_a_cut_out_is_put_into_its_frame(fit: object) -> None:
    made = run(fit=fit, fill=80, subject="310 100", position="bottom", background="white")
    assert (made.width, made.height) == (300, 600)
    box = made.subject
    assert (box.left, box.width, box.top + box.height) == (30, 240, 600)
    assert load(made.data).getpixel((150, 480)) == (255, 0, 0)
    assert made.warnings[-1].startswith("The subject was enlarged 1.7 times")


def test_the_mask_goes_into_the_frame_as_the_picture_does() -> None:
    options: dict[str, Any] = {"fit": "200", "subject": "310 100", "fill": 50}
    alpha, picture = load(run(channels="alpha", **options).data), load(run(**options).data)
    assert alpha.mode == "L"
    difference = np.abs(np.asarray(alpha).astype(int) - np.asarray(picture.getchannel("A")).astype(int))
    assert difference.max() <= 2


def test_what_is_too_large_is_scaled_down_with_its_room() -> None:
    made = run(pad="100px", max_size=300)
    assert (made.width, made.height) == (300, 200)


class TestShadows:
    @staticmethod
    def _shadow(**options: Any) -> np.typing.NDArray[np.int64]:
        """How dark the ground is around a disc of the subject's, on white."""
        made = run(subject="310 100", crop=True, background="white", **options)
        pixels = np.asarray(load(made.data).convert("RGB")).astype(int)
        grey = (pixels.max(axis=2) - pixels.min(axis=2)) < 12
        return np.where(grey, 255 - pixels.mean(axis=2), 0)

    def test_contact_is_under_the_subject_and_cast_beside_it(self) -> None:
        contact, cast = self._shadow(shadow="contact"), self._shadow(shadow="cast", shadow_direction=90)
        assert contact.max() > 40
        assert cast.max() > 40
        # The contact shadow is symmetrical; the cast one lies on the right.
        halves = contact[:, : contact.shape[1] // 2].sum(), contact[:, -(contact.shape[1] // 2) :].sum()
        assert halves[0] == pytest.approx(halves[1], rel=0.1)
        box = run(subject="310 100", crop=True, shadow="cast", shadow_direction=90).subject
        assert cast[:, box.left + box.width :].sum() > 10 * cast[:, : box.left].sum()

    def test_strength_and_softness_are_what_they_say(self) -> None:
        weak, strong = (self._shadow(shadow="cast", shadow_strength=each).max() for each in (20, 80))
        assert strong > 3 * weak
        hard, soft = (self._shadow(shadow="cast", shadow_softness=each) for each in (0, 100))
        assert np.abs(np.diff(hard, axis=0)).max() > np.abs(np.diff(soft, axis=0)).max()
        assert (self._shadow(shadow="cast", shadow_strength=0) == self._shadow()).all()

    @pytest.mark.parametrize("kind", ["contact", "cast"])
    @pytest.mark.parametrize("direction", [0, 45, 90, 135, 180, 225, 270, 315, 360])
    def test_a_cropped_subject_has_room_for_its_shadow(self, kind: str, direction: float) -> None:
        dark = self._shadow(shadow=kind, shadow_direction=direction)
        edges = np.concatenate((dark[0], dark[-1], dark[:, 0], dark[:, -1]))
        assert edges.max() <= 8

    def test_the_picture_keeps_its_size_where_it_is_not_cropped(self) -> None:
        made = run(shadow="cast")
        assert (made.width, made.height) == SIZE

    def test_what_reaches_the_lower_edge_has_no_ground(self) -> None:
        made = run(subject="310 100", fit="200", fill=100, position="bottom", shadow="contact")
        assert "no ground" in made.warnings[-1]

    @given(st.integers(1, 60), st.integers(1, 60), st.floats(0, 360), st.sampled_from(["contact", "cast"]))
    def test_any_box_has_a_shadow(self, width: int, height: int, direction: float, kind: str) -> None:
        alpha = Image.new("L", (64, 64))
        box = (2, 2, 2 + width, 2 + height)
        ImageDraw.Draw(alpha).rectangle((2, 2, 1 + width, 1 + height), fill=255)
        shadow = Shadow(kind, direction)  # type: ignore[arg-type]
        assert on_ground(alpha, box, shadow).size == alpha.size
        assert min(reach(shadow, box)) >= 0


class TestPresets:
    @pytest.mark.parametrize("name", list(presets()))
    def test_each_is_a_frame_with_what_was_said_for_itself(self, name: str) -> None:
        preset = presets()[name]
        request = CutoutRequest(image=b"x", preset=name, fill=50, format="webp")
        assert request.options.canvas == preset.size
        assert (request.options.fill, request.options.format) == (50, "webp")
        assert request.options.background == preset.options.get("background")
        assert CutoutRequest(image=b"x", preset=name).options.format == preset.options["format"]

    def test_another_background_takes_the_place_of_the_presets(self) -> None:
        request = CutoutRequest(image=b"x", preset="Amazon", background_url="https://x.example/a.png")
        assert (request.background, request.fit) == (None, "2000x2000")

    def test_one_that_there_is_not_is_refused_with_those_there_are(self) -> None:
        with pytest.raises(InvalidParameter, match="There is no preset") as refused:
            CutoutRequest(image=b"x", preset="nowhere")
        assert "amazon" in refused.value.context["known"]
