"""What a user wants gone sooner than the stack would remove it: a tag, for each of whose values there is a rule."""

from typing import Any

import pytest

from darkroom.adapters.image_store import RETENTION_TAG, S3ImageStore
from darkroom.adapters.raw_answer_store import S3RawAnswerStore
from darkroom.errors import ServiceUnavailable
from darkroom.models.generation import RawAnswer
from darkroom.models.user_settings import RETENTION_DAYS
from tests.conftest import SteppingClock
from tests.contract.conftest import Cloud
from tests.template.test_template import RESOURCES


@pytest.fixture(params=["emulator", "moto"])
def furnished(request: pytest.FixtureRequest) -> Cloud:
    found: Cloud = request.getfixturevalue("emulated" if request.param == "emulator" else "mocked")
    return found


def _store(cloud: Cloud, clock: SteppingClock, days: dict[str, int]) -> S3ImageStore:
    return S3ImageStore(
        uploads=cloud.uploads, outputs=cloud.outputs, client=cloud.aws.s3, clock=clock, keep_days=days.get
    )


def _tags(cloud: Cloud, key: str) -> dict[str, str]:
    found = cloud.aws.s3.get_object_tagging(Bucket=cloud.outputs, Key=key)["TagSet"]
    return {tag["Key"]: tag["Value"] for tag in found}


@pytest.mark.parametrize("folder", ["outputs", "inputs"])
def test_a_users_pictures_are_tagged_as_they_want(furnished: Cloud, clock: SteppingClock, folder: str) -> None:
    store = _store(furnished, clock, {"alice": 7})
    for user in ("alice", "bob"):
        store.write_output(f"{folder}/{user}/job/a.png", b"abc", media_type="image/png", metadata={"job": "j"})
    assert _tags(furnished, f"{folder}/alice/job/a.png") == {RETENTION_TAG: "7"}
    assert _tags(furnished, f"{folder}/bob/job/a.png") == {}
    assert store.read_output(f"{folder}/alice/job/a.png", max_bytes=3) == b"abc"


def test_a_thumbnail_may_be_wanted_for_a_shorter_time(furnished: Cloud, clock: SteppingClock) -> None:
    store, key = _store(furnished, clock, {"alice": 14}), "outputs/alice/job/a.png.thumb.webp"
    store.write_output(key, b"abc", media_type="image/webp", metadata={}, keep_days=3)
    assert _tags(furnished, key) == {RETENTION_TAG: "3"}


def test_what_is_no_picture_is_not(furnished: Cloud, clock: SteppingClock) -> None:
    store = _store(furnished, clock, {"alice": 7})
    store.write_output("reports/alice/2026-11.csv", b"abc", media_type="text/csv", metadata={})
    assert _tags(furnished, "reports/alice/2026-11.csv") == {}


def test_the_setting_counts_when_it_is_written(furnished: Cloud, clock: SteppingClock) -> None:
    days: dict[str, int] = {}
    store = _store(furnished, clock, days)
    for each, expected in ((None, {}), (1, {RETENTION_TAG: "1"}), (14, {RETENTION_TAG: "14"})):
        days.update({} if each is None else {"alice": each})
        store.write_output("outputs/alice/job/b.png", b"abc", media_type="image/png", metadata={})
        assert _tags(furnished, "outputs/alice/job/b.png") == expected


def test_it_counts_again_when_a_picture_is_renewed(furnished: Cloud, clock: SteppingClock) -> None:
    key, days = "outputs/alice/job/c.png", {"alice": 1}
    store = _store(furnished, clock, days)
    store.write_output(key, b"abc", media_type="image/png", metadata={"job": "j"})
    days["alice"] = 14
    store.renew_outputs([key])
    assert _tags(furnished, key) == {RETENTION_TAG: "14"}
    days.clear()
    store.renew_outputs([key])
    assert _tags(furnished, key) == {}
    assert store.read_output(key, max_bytes=3) == b"abc"


ANSWER = RawAnswer(body=b"{}", media_type="application/json", generation_id=None, complete=True)


def test_a_users_raw_answers_are_tagged_as_they_want(furnished: Cloud) -> None:
    store = S3RawAnswerStore(furnished.outputs, furnished.aws.s3, keep_days={"alice": 3}.get)
    for user in ("alice", "bob"):
        store.write(user, "job/0", ANSWER)
    assert _tags(furnished, "raw/alice/job/0") == {RETENTION_TAG: "3"}
    assert _tags(furnished, "raw/bob/job/0") == {}
    assert store.read("alice", "job/0") == ANSWER


def test_so_are_raw_answers_that_are_kept_as_their_picture(furnished: Cloud) -> None:
    store = S3RawAnswerStore(furnished.outputs, furnished.aws.s3, keep_days={"alice": 3}.get)
    picture = ANSWER.model_copy(update={"body": b"\x89PNG\r\n\x1a\n", "media_type": "image/png"})
    for user in ("alice", "bob"):
        assert store.write(user, "job", picture, as_picture="ab" * 32) is not None
    assert _tags(furnished, "outputs/alice/job/0.png") == {RETENTION_TAG: "3"}
    assert _tags(furnished, "outputs/bob/job/0.png") == {}


def test_a_raw_answer_is_kept_where_the_setting_cannot_be_read(furnished: Cloud) -> None:
    def away(_user: str) -> int | None:
        raise ServiceUnavailable("The table is away.")

    store = S3RawAnswerStore(furnished.outputs, furnished.aws.s3, keep_days=away)
    store.write("carol", "job", ANSWER)
    assert store.read("carol", "job") == ANSWER
    assert _tags(furnished, "raw/carol/job") == {}


def test_the_rules_for_days_hold_wherever_the_tag_is() -> None:
    rules: list[dict[str, Any]] = RESOURCES["OutputsBucket"].properties["LifecycleConfiguration"]["Rules"]
    assert all("Prefix" not in rule for rule in rules if "TagFilters" in rule)


def test_the_template_has_a_rule_for_each_of_the_days() -> None:
    rules: list[dict[str, Any]] = RESOURCES["OutputsBucket"].properties["LifecycleConfiguration"]["Rules"]
    tagged = {
        tag["Value"]: int(rule["ExpirationInDays"])
        for rule in rules
        for tag in rule.get("TagFilters", ())
        if tag["Key"] == RETENTION_TAG
    }
    assert tagged == {str(days): days for days in RETENTION_DAYS}
