"""Batches that paint, broken off, hurried or overtaken: each comes to its end, and nothing in it is paid twice."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from threading import Barrier
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import booleans, floats, integers, lists, sampled_from, tuples

from darkroom.models.deadline import Deadline
from darkroom.models.job import Job, JobStatus
from darkroom.services.paid.settlement import DECIDED_AFTER
from local.simulator import Simulator
from tests.application import LONG, Studio
from tests.conftest import SteppingClock
from tests.unit.services.batches import USER, Gallery, assert_books_agree, cut_out, flip, paint, recipe
from tests.unit.services.interrupting import Deadly, Killed, dying

# Operations before, between and after two paintings.
TWICE = recipe(flip(), paint(), cut_out(), paint("darker"), flip())
PICTURES = 2
PAINTINGS = 2 * PICTURES


def assert_paid_once(gallery: Gallery, job: Job, *, pictures: int | None = PICTURES) -> None:
    """Args: pictures: how many have come; None if what was broken off may have cost some."""
    done = gallery.now(job)
    assert done.status.is_final
    parts = gallery.parts(job)
    known = [part for part in parts.values() if part.cost.charged is True]
    unknown = [part for part in parts.values() if part.cost.charged == "unknown"]
    assert all(part.cost.actual == part.cost.reserved for part in unknown)
    assert gallery.posts() <= len(parts) <= PAINTINGS
    # What stays unknown is counted, whether or not the provider took something for it.
    assert len(known) <= len(gallery.studio.charged(USER)) <= len(known) + len(unknown)
    assert_books_agree(gallery, job)
    assert list(gallery.studio.jobs.list_open()) == []
    for image in done.images:
        assert image.key in gallery.studio.images.outputs
    if pictures is not None:
        assert (done.status, len(done.images), gallery.errors(job)) == (JobStatus.SUCCEEDED, pictures, [])
        assert gallery.posts() == len(parts) == 2 * pictures


# ── Too often, and at once ────────────────────────────────────────────────────────────────────────────────────────────


def test_whoever_goes_on_with_a_batch_at_any_time_does_no_harm(gallery: Gallery) -> None:
    studio = gallery.studio
    job = gallery.apply(TWICE, PICTURES)
    for _ in range(100):
        for _ in range(2):
            studio.app.advance(USER, job.id)
        studio.app.sweep.run(Deadline(LONG))
        if studio.job_queue.sent:
            user, job_id = studio.job_queue.sent.pop(0)
            for _ in range(2):
                studio.app.worker.run(user, job_id, Deadline(LONG))
        elif studio.render_queue.sent:
            sent = studio.render_queue.sent.pop(0)
            for _ in range(2):
                assert studio.app.recipe_worker.run(*sent, Deadline(50))
        if gallery.now(job).status.is_final:
            break
    assert_paid_once(gallery, job)


def at_once(count: int, what: Callable[[], Any]) -> None:
    together = Barrier(count)

    def one() -> Any:
        together.wait()
        return what()

    with ThreadPoolExecutor(count) as pool:
        for each in [pool.submit(one) for _ in range(count)]:
            each.result()


def test_two_at_a_time_admit_each_painting_once(gallery: Gallery) -> None:
    studio = gallery.studio
    job = gallery.apply(TWICE, PICTURES)
    for _ in range(60):
        sent, studio.job_queue.sent = studio.job_queue.sent, []
        renders, studio.render_queue.sent = studio.render_queue.sent, []
        for job_id in dict.fromkeys(job_id for _, job_id in sent):
            at_once(2, partial(studio.app.worker.run, USER, job_id, Deadline(LONG)))
        if renders:
            at_once(2, lambda: studio.app.recipe_worker.run(USER, job.id, Deadline(50)))
        at_once(3, lambda: studio.app.advance(USER, job.id))
        if gallery.now(job).status.is_final:
            break
    assert_paid_once(gallery, job)


def test_two_workers_at_once_never_pass_the_cap(gallery: Gallery) -> None:
    studio = gallery.studio
    one = gallery.apply(recipe(paint()), 1).cost.estimated or 0
    studio.render_queue.sent.clear()
    studio.jobs.jobs.clear()
    job = gallery.apply(recipe(paint()), 8, most=int(3.5 * one) / 1e6)
    for _ in range(40):
        sent, studio.job_queue.sent = studio.job_queue.sent, []
        renders, studio.render_queue.sent = studio.render_queue.sent, []
        with ThreadPoolExecutor(4) as pool:
            for each in [pool.submit(studio.app.worker.run, user, job_id, Deadline(LONG)) for user, job_id in sent]:
                each.result()
        if renders:
            studio.app.recipe_worker.run(USER, job.id, Deadline(50))
        at_once(4, lambda: studio.app.advance(USER, job.id))
        if gallery.now(job).status.is_final:
            break
    assert 1 <= len(gallery.now(job).images) < 8
    assert_books_agree(gallery, job)


# ── Broken off ────────────────────────────────────────────────────────────────────────────────────────────────────────

# Every write of such a batch: of which port, and how often it comes.
WRITES: list[tuple[str, str, int]] = [
    ("ledger", "admit", 4),
    ("ledger", "close", 4),
    ("job_queue", "send", 6),
    ("render_queue", "send", 4),
    ("jobs", "start", 3),
    ("jobs", "claim", 4),
    ("jobs", "dispatch", 4),
    ("jobs", "progress", 2),
    ("jobs", "requeue", 2),
    ("jobs", "finish", 1),
    ("images", "write_output", 15),
    ("images", "remove_outputs", 4),
    ("raw_answers", "write", 4),
]
POINTS = [
    (role, method, nth, when)
    for role, method, count in WRITES
    for nth in range(1, count + 1, 3 if count > 9 else 1)
    for when in ("before", "after")
]


@pytest.mark.parametrize(("role", "method", "nth", "when"), POINTS)
def test_killed_at_any_write_a_batch_comes_to_its_end_and_is_paid_once(
    gallery: Gallery, studio: Studio, role: str, method: str, nth: int, when: str
) -> None:
    job = gallery.apply(TWICE, PICTURES)
    doomed = Gallery(dying(studio, role, Deadly(getattr(studio, role), method, when=when, nth=nth)))
    with pytest.raises(Killed):
        doomed.run()
    studio.job_queue.sent.clear()
    studio.render_queue.sent.clear()
    for _ in range(16):
        gallery.sweep()
    give_up_what_nobody_can_tell(gallery)
    # What was sent and left no trace counts as lost: its picture fails, whether or not it was paid.
    is_lost = (method == "dispatch" and when == "after") or (role, when) == ("raw_answers", "before")
    assert_paid_once(gallery, job, pictures=None if is_lost else PICTURES)


def give_up_what_nobody_can_tell(gallery: Gallery) -> None:
    """A day later: where others were paid with the same key meanwhile, what it has used tells nothing of a call."""
    if list(gallery.studio.jobs.list_open()):
        gallery.sweep(DECIDED_AFTER)
        for _ in range(3):
            gallery.sweep()


ROLES = sorted({(role, method) for role, method, _ in WRITES})


@given(
    deaths=lists(tuples(sampled_from(ROLES), integers(1, 8), booleans()), max_size=4),
    twice=lists(booleans(), min_size=12, max_size=12),
    # A batch begins where one picture's bound is within the cap; that is up to a twentieth above the estimate.
    affordable=floats(1.1, 4.5),
    cancels=integers(0, 60),
)
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_happens_the_ledger_is_the_invoice_and_within_the_cap(
    studio_simulator: Simulator,
    deaths: list[tuple[tuple[str, str], int, bool]],
    twice: list[bool],
    affordable: float,
    cancels: int,
) -> None:
    """Workers die, messages come twice or never, the money runs out, and somewhere in between somebody cancels."""
    studio_simulator.reset()
    studio_simulator.scenario("small_picture", side=64)
    studio = Studio(studio_simulator, SteppingClock())
    studio.connect(USER)
    gallery = Gallery(studio)
    one = gallery.apply(recipe(paint()), 1).cost.estimated or 0
    studio.jobs.jobs.clear()
    studio.render_queue.sent.clear()
    job = gallery.apply(TWICE, PICTURES, most=int(one * (1 + affordable)) / 1e6)
    steps = 0
    for (role, method), nth, after in deaths:
        port = Deadly(getattr(studio, role), method, when="after" if after else "before", nth=nth)
        doomed = Gallery(dying(studio, role, port))
        with suppress(Killed):
            for _ in range(60):
                steps += 1
                if steps == cancels:
                    with suppress(Exception):
                        gallery.cancel(job)
                if twice[steps % 12]:
                    studio.job_queue.sent.extend(studio.job_queue.sent[:1])
                    studio.render_queue.sent.extend(studio.render_queue.sent[:1])
                if not doomed.step():
                    break
        gallery.sweep()
    for _ in range(16):
        gallery.sweep()
    give_up_what_nobody_can_tell(gallery)
    assert_paid_once(gallery, job, pictures=None)
