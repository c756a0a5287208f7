"""Operations done to stored pictures, with a segmenter that sees a box."""

import hashlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from PIL import Image, ImageCms, ImageDraw

from darkroom.errors import InvalidParameter, NotFound, UnsupportedMediaType
from darkroom.models.job import Job, JobStatus, StoredImage
from darkroom.operations import parse
from darkroom.services.inputs.sources import Sources
from darkroom.services.recipes.render import NeedsImageFunction, PictureTools, Render
from tests.application import NoWeb, no_versions
from tests.conftest import ROOT, SteppingClock
from tests.fakes.memory import MemoryImageStore, MemoryJobStore
from tests.photos import jpeg, load, photo, save

UPLOAD = "upl_01HZZZZZZZZZZZZZZZZZZZZZZZ"
STEPS = [
    {"op": "crop", "ratio": "4:3"},
    {"op": "brightness", "amount": 12},
    {"op": "saturation", "amount": -30},
    {"op": "curves", "points": [{"input": 0, "output": 8}, {"input": 255, "output": 240}]},
    {"op": "grain", "amount": 30, "seed": 7},
    {"op": "vignette"},
    {"op": "watermark", "text": "Darkroom"},
]


class BoxSegmenter:
    """The subject is the middle of what is not white; keeps what it was shown."""

    def __init__(self) -> None:
        self.shown: list[tuple[Image.Image, str]] = []

    def available(self) -> tuple[str, ...]:
        return ("box",)

    def mask(self, image: Image.Image, model: str) -> Image.Image:
        self.shown.append((image, model))
        mask = Image.new("L", (64, 64))
        ImageDraw.Draw(mask).rectangle((16, 16, 47, 47), fill=255)
        return mask


class World:
    def __init__(self, clock: SteppingClock) -> None:
        self.images = MemoryImageStore(clock)
        self.jobs = MemoryJobStore()
        self.segmenter = BoxSegmenter()
        self.sources = Sources(self.images, NoWeb(), self.jobs, clock, no_versions)

    def render(self, *, model: bool = True) -> Render:
        segmenter = self.segmenter if model else None
        return Render(self.images, self.sources, max_megapixels=25, segmenter=segmenter, model=lambda _user: "box")

    def tools(self, user: str = "alice") -> PictureTools:
        return PictureTools(user, self.sources, 25, self.segmenter, lambda _user: "box")

    def painted(self, user: str, data: bytes) -> Job:
        """A job with that picture."""
        key = f"outputs/{user}/job_1/0.png"
        self.images.write_output(key, data, media_type="image/png", metadata={})
        image = StoredImage(key=key, media_type="image/png", width=1, height=1, bytes=len(data), sha256="")
        job = Job(
            id="job_1-paint0",
            user=user,
            op="edit",
            status=JobStatus.SUCCEEDED,
            created_at=datetime(2026, 3, 1, tzinfo=UTC),
            images=(image,),
        )
        self.jobs.add(job)
        return job


@pytest.fixture
def world(clock: SteppingClock) -> World:
    return World(clock)


def test_a_kept_picture_is_changed_and_kept_beside_its_job(world: World) -> None:
    job = world.painted("alice", save(photo("coffee"), "PNG"))
    redone = world.render().redo(job.user, job.images[0], [{"op": "flip"}, {"op": "convert", "format": "jpeg"}])
    image = world.render().keep(job, redone, stem="3")
    stored = world.images.outputs[image.key]
    assert image.key == f"outputs/alice/{job.id}/3.jpg"
    assert (stored.media_type, stored.metadata) == ("image/jpeg", {"job": job.id})
    assert (image.width, image.height) == load(stored.data).size == photo("coffee").size
    assert (image.bytes, image.sha256) == (len(stored.data), hashlib.sha256(stored.data).hexdigest())
    assert load(world.images.outputs[job.images[0].key].data).size == photo("coffee").size


def test_what_needs_the_subject_gets_a_mask_of_the_pictures_size(world: World) -> None:
    rendered = world.render().apply("alice", jpeg("coffee"), parse([{"op": "remove_background"}]))
    picture = load(rendered.data)
    assert (rendered.media_type, picture.mode, picture.size) == ("image/png", "RGBA", photo("coffee").size)
    alpha = picture.getchannel("A")
    assert alpha.getpixel((300, 200)) == 255
    assert alpha.getpixel((10, 10)) == 0
    assert world.segmenter.shown[0][1] == "box"


def test_the_model_is_not_shown_what_transparency_hides(world: World) -> None:
    world.tools().subject(Image.new("RGBA", (8, 4), (255, 0, 0, 0)))
    shown = world.segmenter.shown[0][0]
    assert (shown.mode, shown.getcolors()) == ("RGB", [(32, (255, 255, 255))])


def test_without_a_model_what_needs_the_subject_is_told_before_any_work(world: World) -> None:
    operations = parse([{"op": "flip"}, {"op": "remove_background"}])
    with pytest.raises(NeedsImageFunction, match="RemoveBackground"):
        world.render(model=False).apply("alice", b"not even a picture", operations)
    assert world.render(model=False).apply("alice", jpeg("coffee"), operations[:1]).media_type == "image/jpeg"


def test_an_operation_takes_the_users_own_pictures(world: World) -> None:
    red = save(Image.new("RGB", (4, 4), "red"), "PNG")
    world.images.drop(f"uploads/alice/{UPLOAD}", red)
    job = world.painted("alice", red)
    for ref in (UPLOAD, f"{job.id}/0", job.id):
        assert world.tools().picture(ref).getpixel((0, 0)) == (255, 0, 0)


def test_an_operation_takes_nobody_elses_pictures(world: World) -> None:
    world.images.drop(f"uploads/alice/{UPLOAD}", jpeg("coffee"))
    job = world.painted("alice", jpeg("coffee"))
    for ref in (UPLOAD, f"{job.id}/0"):
        with pytest.raises(NotFound) as caught:
            world.render().apply("bob", jpeg("coffee"), parse([{"op": "watermark", "image": ref}]))
        assert caught.value.param == "operations[0].image"


@pytest.mark.parametrize(
    "ref", ["https://x.example/logo.png", "../alice/upl_1", "upl_../../x", "job_1/../2", "file:///etc/passwd", "x"]
)
def test_an_operation_takes_nothing_but_pictures_that_are_kept(world: World, ref: str) -> None:
    with pytest.raises(InvalidParameter, match="none of your pictures") as caught:
        world.render().apply("alice", jpeg("coffee"), parse([{"op": "watermark", "image": ref}]))
    assert caught.value.param == "operations[0].image"


def test_another_pictures_colours_come_as_srgb(world: World) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    world.images.drop(f"uploads/alice/{UPLOAD}", save(Image.new("RGB", (2, 2), "teal"), "PNG", icc_profile=profile))
    assert world.tools().picture(UPLOAD).getpixel((0, 0)) == (0, 128, 128)


def test_what_is_no_picture_is_refused(world: World) -> None:
    with pytest.raises(UnsupportedMediaType):
        world.render().apply("alice", b"hello", parse([{"op": "flip"}]))


_AGAIN = f"""
import hashlib
from darkroom.operations import parse, render
from tests.fakes.tools import EllipseTools
from tests.photos import jpeg
data, steps = jpeg("coffee", 0.1), parse({STEPS!r})
for _ in range(25):
    print(hashlib.sha256(render(data, steps, EllipseTools(), max_megapixels=25).data).hexdigest())
"""


def _in_another_process(seed: int) -> list[str]:
    # Another seed of Python's hashes each, for sets and dicts that are walked in another order.
    done = subprocess.run(
        [sys.executable, "-c", _AGAIN],
        env={"PYTHONHASHSEED": str(seed), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


def test_a_recipe_gives_the_same_bytes_a_hundred_times_in_different_processes() -> None:
    with ThreadPoolExecutor(2) as threads:
        digests = [digest for found in threads.map(_in_another_process, range(4)) for digest in found]
    assert len(digests) == 100
    assert len(set(digests)) == 1
