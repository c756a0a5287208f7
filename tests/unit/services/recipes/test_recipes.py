"""Recipes: exported, kept, asked for, and given to files that are dropped into their folder."""

import base64
import hashlib
from datetime import timedelta
from typing import Final

import pytest
from PIL import Image

from darkroom.errors import (
    CallerError,
    Conflict,
    IdempotencyKeyReused,
    ImageTooLarge,
    InvalidParameter,
    NotFound,
    PayloadTooLarge,
    ServiceUnavailable,
    UnreadableImage,
    UnsupportedImage,
    UnsupportedMediaType,
)
from darkroom.models.admission import Terms
from darkroom.models.caller import Caller
from darkroom.models.conversation import PaintStep, Step
from darkroom.models.cutout import Beside, BoundingBox, Cutout, CutoutOptions
from darkroom.models.dropped import DroppedFile
from darkroom.models.job import Job, JobStatus
from darkroom.models.recipe import Recipe, RecipeApplication
from darkroom.models.source import ImageSource
from darkroom.operations import ENGINE_VERSION
from darkroom.services.recipes.batch_notes import TOO_OLD
from darkroom.services.recipes.recipes import FORGOTTEN, MOST_KEPT, export, operations_of
from darkroom.services.removal.remove_background import RemoveBackground
from tests.conftest import ROOT, SteppingClock
from tests.fakes.memory import MemoryImageStore
from tests.fakes.recipes import MemoryRenderQueue
from tests.photos import png_file, save
from tests.unit.services.baking import FLIP, Bakery, picture, recipe, upload_id

CASES: Final = ROOT / "tests" / "cases" / "pictures"
PAINTED = Recipe(engine="1", steps=(Step(operation={"op": "flip"}), Step(paint=PaintStep(prompt="a fox"))))


@pytest.fixture
def bakery(clock: SteppingClock) -> Bakery:
    return Bakery(clock)


class TestExport:
    def test_steps_become_a_recipe_of_this_engine_with_every_default_written_out(self) -> None:
        exported = export([Step(operation={"op": "flip"}), Step(paint=PaintStep(prompt="a fox"))], name="x" * 99)
        assert (exported.engine, exported.name) == (ENGINE_VERSION, "x" * 64)
        assert exported.steps[0].operation == {"op": "flip", "direction": "horizontal"}
        assert exported.steps[1].paint == PaintStep(prompt="a fox")
        assert Recipe.model_validate_json(exported.model_dump_json()) == exported

    @pytest.mark.parametrize("count", [0, 201])
    def test_no_step_and_too_many_are_refused(self, count: int) -> None:
        with pytest.raises(Conflict):
            export([Step(operation={"op": "flip"})] * count)

    @pytest.mark.parametrize(
        ("step", "param"),
        [
            (Step(), "steps[1]"),
            (Step(operation={"op": "flip"}, paint=PaintStep(prompt="x")), "steps[1]"),
            (Step(operation={"op": "melt"}), "steps[1].operation.op"),
            (Step(operation={"op": "brightness", "amount": 1e9}), "steps[1].operation.amount"),
            (Step(operation={"op": "flip", "url": "https://x.example"}), "steps[1].operation.url"),
        ],
    )
    def test_a_step_that_is_none_is_named(self, step: Step, param: str) -> None:
        for read in (lambda steps: export(steps), lambda steps: operations_of(Recipe(engine="1", steps=steps))):
            with pytest.raises(InvalidParameter) as caught:
                read((Step(operation={"op": "flip"}), step))
            assert caught.value.param == param
            assert "steps[0]" not in caught.value.detail


class TestKept:
    def test_a_recipe_is_kept_under_its_name_and_can_be_replaced(self, bakery: Bakery, clock: SteppingClock) -> None:
        first = bakery.recipes.save("alice", "shop", FLIP)
        clock.step(timedelta(hours=1))
        second = bakery.recipes.save("alice", "shop", PAINTED)
        assert bakery.recipes.find("alice", "shop") == second
        assert (second.created_at, second.updated_at) == (first.created_at, clock.now)
        assert second.recipe.name == "shop"
        assert [saved.name for saved in bakery.recipes.of_user("alice")] == ["shop"]

    @pytest.mark.parametrize("name", ["", "Shop", "a b", "-a", "a/b", "ä", "x" * 65, "a\n"])
    def test_a_name_that_is_none_is_refused_and_never_found(self, bakery: Bakery, name: str) -> None:
        with pytest.raises(InvalidParameter) as caught:
            bakery.recipes.save("alice", name, FLIP)
        assert caught.value.param == "name"
        with pytest.raises(NotFound):
            bakery.recipes.find("alice", name)
        with pytest.raises(NotFound):
            bakery.recipes.remove("alice", name)

    def test_another_users_recipe_is_not_found(self, bakery: Bakery) -> None:
        bakery.recipes.save("alice", "shop", FLIP)
        for ask in (bakery.recipes.find, bakery.recipes.remove):
            with pytest.raises(NotFound):
                ask("bob", "shop")
        bakery.recipes.remove("alice", "shop")
        with pytest.raises(NotFound):
            bakery.recipes.find("alice", "shop")

    def test_there_is_an_end_to_keeping(self, bakery: Bakery) -> None:
        for number in range(MOST_KEPT):
            bakery.recipes.save("alice", f"r{number}", FLIP)
        with pytest.raises(Conflict):
            bakery.recipes.save("alice", "one-more", FLIP)
        bakery.recipes.save("alice", "r7", PAINTED)
        bakery.recipes.save("bob", "one-more", FLIP)

    def test_a_recipe_too_long_to_keep_is_refused(self, bakery: Bakery) -> None:
        long = Recipe(engine="1", steps=tuple(Step(paint=PaintStep(prompt="x" * 4000)) for _ in range(26)))
        with pytest.raises(PayloadTooLarge):
            bakery.recipes.save("alice", "long", long)


class TestAsking:
    def test_a_request_becomes_one_job_that_costs_nothing(self, bakery: Bakery) -> None:
        job = bakery.apply(FLIP, bakery.upload(3)).job
        assert (job.op, job.status, job.is_paid, job.cost.settled, job.cost.actual) == (
            "recipe",
            "queued",
            False,
            True,
            0,
        )
        assert job.result["progress"] == {"done": 0, "failed": 0, "total": 3}
        assert job.input == {"recipe": None, "steps": 1, "pictures": 3}
        assert bakery.queue.sent == [("alice", job.id)]

    def test_a_painted_recipe_is_refused_with_the_step_that_costs(self, bakery: Bakery) -> None:
        bakery.recipes.save("alice", "fox", PAINTED)
        for wanted in (PAINTED, "fox"):
            with pytest.raises(InvalidParameter, match="costs money") as caught:
                bakery.apply(wanted, bakery.upload(1))
            assert caught.value.param == "steps[1].paint"
        assert (bakery.jobs.jobs, bakery.queue.sent, bakery.images.outputs) == ({}, [], {})

    def test_a_picture_that_was_sent_gives_what_its_upload_gives_and_is_kept_no_longer_than_the_work(
        self, bakery: Bakery
    ) -> None:
        heic = (CASES / "iphone.heic").read_bytes()
        bakery.images.drop(f"uploads/alice/{upload_id(0)}", heic)
        uploaded = bakery.apply(FLIP, [upload_id(0)])
        sent = bakery.apply(FLIP, [heic, {"b64_json": base64.b64encode(heic).decode()}])
        bakery.work()
        (expected,), found = bakery.job(uploaded).images, bakery.job(sent).images
        assert [image.sha256 for image in found] == [expected.sha256] * 2
        assert [(parent.kind, parent.sha256) for parent in bakery.job(sent).lineage] == [
            ("file", hashlib.sha256(heic).hexdigest())
        ] * 2
        assert set(bakery.images.outputs) == {expected.key, *(image.key for image in found)}

    @pytest.mark.parametrize(
        ("data", "error"),
        [
            (b"hello", UnsupportedMediaType),
            (picture()[:60], UnreadableImage),
            ((CASES / "tiff_f64.tif").read_bytes(), UnsupportedImage),
            (png_file(30_000, 30_000, depth=8, colour=0, rows=b"\0"), ImageTooLarge),
        ],
        ids=["text", "cut short", "unsupported", "too large"],
    )
    def test_what_was_sent_and_is_no_picture_is_refused_before_there_is_a_job(
        self, bakery: Bakery, data: bytes, error: type[CallerError]
    ) -> None:
        with pytest.raises(error) as caught:
            bakery.apply(FLIP, ["upl_1", data])
        assert caught.value.param == "images[1]"
        assert (bakery.jobs.jobs, bakery.images.outputs) == ({}, {})

    def test_what_all_sent_pictures_take_to_read_is_bounded(self, bakery: Bakery) -> None:
        large = save(Image.new("1", (5000, 5000)), "PNG")
        assert len(bakery.apply(FLIP, [large]).job.id) > 0
        with pytest.raises(ImageTooLarge, match="megapixels together"):
            bakery.apply(FLIP, [large] * 60)

    def test_sent_pictures_count_for_the_idempotency_key(self, bakery: Bakery) -> None:
        first = bakery.apply(FLIP, [picture(1)], key="k")
        assert bakery.apply(FLIP, [picture(1)], key="k").job.id == first.job.id
        with pytest.raises(IdempotencyKeyReused):
            bakery.apply(FLIP, [picture(2)], key="k")

    @pytest.mark.parametrize("count", [0, 501])
    def test_there_is_at_least_one_picture_and_an_end_to_them(self, bakery: Bakery, count: int) -> None:
        request = RecipeApplication(recipe=FLIP, pictures=(ImageSource("image", upload_id="upl_1"),) * count)
        with pytest.raises(InvalidParameter) as caught:
            bakery.recipes.apply(Caller(user="alice"), request, Terms(route="r"))
        assert caught.value.param == "images"

    def test_a_recipe_nobody_keeps_is_not_found(self, bakery: Bakery) -> None:
        bakery.recipes.save("bob", "shop", FLIP)
        with pytest.raises(NotFound):
            bakery.apply("shop", bakery.upload(1))

    def test_another_engines_recipe_is_taken_with_a_word_about_it(self, bakery: Bakery) -> None:
        submission = bakery.apply(recipe({"op": "flip"}, engine="0"), bakery.upload(1))
        bakery.work()
        assert "made with engine 0" in bakery.job(submission).warnings[0]

    def test_the_same_idempotency_key_is_the_same_job(self, bakery: Bakery) -> None:
        uploads = bakery.upload(2)
        first = bakery.apply(FLIP, uploads, key="k")
        again = bakery.apply(FLIP, uploads, key="k")
        assert (again.job.id, again.is_replayed) == (first.job.id, True)
        bakery.work()
        assert bakery.apply(FLIP, uploads, key="k").job.status is JobStatus.SUCCEEDED
        assert bakery.queue.sent == [], "what is over is not begun again"
        with pytest.raises(IdempotencyKeyReused):
            bakery.apply(FLIP, uploads[:1], key="k")
        assert bakery.apply(FLIP, bakery.upload(2, "bob"), "bob", key="k").job.id != first.job.id
        assert len(bakery.jobs.jobs) == 2
        assert not [key for key in bakery.images.outputs if "alice" in key and first.job.id not in key]

    def test_the_key_of_a_removed_job_says_so(self, bakery: Bakery) -> None:
        first = bakery.apply(FLIP, bakery.upload(1), key="k")
        bakery.work()
        bakery.jobs.remove("alice", first.job.id)
        with pytest.raises(NotFound):
            bakery.apply(FLIP, bakery.upload(1), key="k")

    def test_a_queue_that_does_not_answer_is_made_up_for_by_the_sweep(
        self, bakery: Bakery, clock: SteppingClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Deaf(MemoryRenderQueue):
            def send(self, user: str, job_id: str, *, delay_seconds: int = 0) -> None:
                raise ServiceUnavailable("SQS is busy.")

        deaf = Bakery(clock, Deaf())
        job = deaf.apply(FLIP, deaf.upload(1)).job
        assert [name for name, _ in deaf.alarms] == ["JOB_NOT_QUEUED"]
        sweeping = Bakery(clock)
        assert not sweeping.recipes.resume(job)
        clock.step(FORGOTTEN)
        assert sweeping.recipes.resume(job)
        assert sweeping.queue.sent == [("alice", job.id)]


class TestInbox:
    """`inbox/{user}/{recipe}/file`, beside which the rest of the inbox is as it was."""

    def _drop(self, bakery: Bakery, key: str, data: bytes = b"") -> DroppedFile:
        bakery.images.drop(key, data or picture(1), "v1")
        return DroppedFile("uploads", key, "v1", "etag", "01")

    def _service(self, bakery: Bakery, images: MemoryImageStore | None = None) -> RemoveBackground:
        def cut(data: bytes, options: CutoutOptions, beside: Beside) -> Cutout:
            box = BoundingBox(left=0, top=0, width=1, height=1)
            return Cutout(
                data=b"cut", media_type="image/png", width=1, height=1, subject=box, model="box", timings_ms={}
            )

        studio = bakery.studio.beside()
        studio.images = images or bakery.images
        studio.app.pipeline = cut
        return studio.app.remove_background

    def test_a_file_in_the_folder_of_a_recipe_gets_it_once(self, bakery: Bakery) -> None:
        bakery.recipes.save("alice", "shop", FLIP)
        file = self._drop(bakery, "inbox/alice/shop/deep/my cat.png")
        jobs = [self._service(bakery).on_dropped(file) for _ in range(10)]
        (job,) = bakery.jobs.jobs.values()
        assert {each.id for each in jobs if each} == {job.id}
        assert (job.op, job.status) == ("recipe", "succeeded")
        assert list(bakery.images.outputs) == [f"outputs/alice/{job.id}/my cat.png"]
        assert bakery.images.outputs[job.images[0].key].data != b"cut"

    @pytest.mark.parametrize("key", ["inbox/alice/shop.png", "inbox/alice/Shop/a.png", "inbox/alice/other/shop/a.png"])
    def test_any_other_file_is_cut_out(self, bakery: Bakery, key: str) -> None:
        bakery.recipes.save("alice", "shop", FLIP)
        bakery.recipes.save("bob", "other", FLIP)
        job = self._service(bakery).on_dropped(self._drop(bakery, key))
        assert job is not None
        assert job.op == "background-removal"
        assert bakery.images.outputs[f"outputs/alice/{job.id}/{key.split('/')[-1]}"].data == b"cut"

    def test_a_painted_recipe_fails_the_job_with_the_step_that_costs(self, bakery: Bakery) -> None:
        bakery.recipes.save("alice", "fox", PAINTED)
        job = self._service(bakery).on_dropped(self._drop(bakery, "inbox/alice/fox/a.png"))
        assert job is not None
        assert (job.status, bakery.images.outputs) == ("failed", {})
        assert job.error is not None
        assert (job.error["code"], job.error["param"]) == ("INVALID_PARAMETER", "steps[1].paint")
        assert "costs money" in job.error["detail"]

    def test_what_is_no_picture_fails_its_job(self, bakery: Bakery) -> None:
        bakery.recipes.save("alice", "shop", FLIP)
        job = self._service(bakery).on_dropped(self._drop(bakery, "inbox/alice/shop/a.png", b"hello"))
        assert job is not None
        assert (job.status, (job.error or {})["code"]) == ("failed", "UNSUPPORTED_MEDIA_TYPE")

    def test_a_job_stays_what_it_was_made_for(self, bakery: Bakery) -> None:
        class Busy(MemoryImageStore):
            def read_upload(self, key: str, *, version: str | None = None, max_bytes: int) -> bytes:
                raise ServiceUnavailable("S3 is busy.")

        busy = self._service(bakery, Busy(bakery.clock))
        bakery.recipes.save("alice", "shop", FLIP)
        first = self._drop(bakery, "inbox/alice/shop/a.png")
        with pytest.raises(ServiceUnavailable):
            busy.on_dropped(first)
        bakery.recipes.remove("alice", "shop")
        second = self._drop(bakery, "inbox/alice/shop/b.png")
        with pytest.raises(ServiceUnavailable):
            busy.on_dropped(second)
        gone = self._service(bakery).on_dropped(first)
        assert gone is not None
        assert (gone.op, (gone.error or {})["code"]) == ("recipe", "NOT_FOUND")
        bakery.recipes.save("alice", "shop", FLIP)
        cut = self._service(bakery).on_dropped(second)
        assert cut is not None
        assert (cut.op, cut.status) == ("background-removal", "succeeded")

    def test_the_sweep_leaves_dropped_files_to_their_own_queue(self, bakery: Bakery, clock: SteppingClock) -> None:
        job = Job(id="job_1", user="alice", op="recipe", created_at=clock.now, input={"recipe": "shop"})
        clock.step(FORGOTTEN)
        assert not bakery.recipes.resume(job)

    def test_a_batch_that_comes_to_no_end_within_a_day_is_given_up(self, bakery: Bakery, clock: SteppingClock) -> None:
        submission = bakery.apply(FLIP, bakery.upload(1))
        clock.step(TOO_OLD)
        assert bakery.recipes.resume(bakery.job(submission))
        job = bakery.job(submission)
        assert (job.status, (job.error or {})["code"]) == ("failed", "SERVICE_UNAVAILABLE")
        bakery.work()
        assert bakery.job(submission) == job
