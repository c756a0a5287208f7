from datetime import timedelta

import pytest

from darkroom.errors import InternalError, ServiceUnavailable
from darkroom.events.sqs import each_dropped_file, each_message, is_queue_event
from darkroom.models.dropped import DroppedFile
from tests.events import Context, http_event, queue_event, s3_record

TEST_MESSAGE = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "uploads", "RequestId": "x", "HostId": "y"}


def _never(receipt_handle: str, wait: timedelta) -> None:
    raise AssertionError(f"{receipt_handle} was put off for {wait}")


def _seen(event: dict[str, object]) -> tuple[list[DroppedFile], list[str]]:
    files: list[DroppedFile] = []

    def work(file: DroppedFile) -> None:
        if "poison" in file.key:
            raise RuntimeError("poison")
        files.append(file)

    answer = each_dropped_file(event, Context(), work, _never)
    return files, [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def test_every_file_of_every_message_is_worked_on() -> None:
    event = queue_event(
        {"Records": [s3_record("inbox/a/1.jpg"), s3_record("inbox/a/2.jpg")]}, {"Records": []}, receives=2
    )
    files, failed = _seen(event)
    assert [file.key for file in files] == ["inbox/a/1.jpg", "inbox/a/2.jpg"]
    assert files[0] == DroppedFile("uploads", "inbox/a/1.jpg", "v1", "etag", "01", receives=2)
    assert failed == []


@pytest.mark.parametrize(
    "key", ["inbox/a/with space.jpg", "inbox/a/a+b.jpg", "inbox/a/漢字 é.jpg", "inbox/a/100%.jpg", "inbox/a/%2F.jpg"]
)
def test_a_key_is_what_it_was_before_s3_encoded_it(key: str) -> None:
    files, _ = _seen(queue_event({"Records": [s3_record(key)]}))
    assert [file.key for file in files] == [key]


def test_a_key_whose_slashes_were_encoded_too_is_understood() -> None:
    record = s3_record("x")
    record["s3"]["object"]["key"] = "inbox%2Fa%2F1.jpg"
    assert [file.key for file in _seen(queue_event({"Records": [record]}))[0]] == ["inbox/a/1.jpg"]


def test_the_message_with_which_s3_tries_a_notification_is_taken() -> None:
    assert _seen(queue_event(TEST_MESSAGE)) == ([], [])


def test_one_bad_message_does_not_hold_up_the_others() -> None:
    bodies = [{"Records": [s3_record(f"inbox/a/{'poison' if n == 3 else n}.jpg")]} for n in range(10)]
    files, failed = _seen(queue_event(*bodies))
    assert len(files) == 9
    assert failed == ["m3"]


@pytest.mark.parametrize("body", ["not json", {"Records": [{"s3": {}}]}])
def test_a_message_that_makes_no_sense_fails_alone(body: object) -> None:
    files, failed = _seen(queue_event(body, {"Records": [s3_record("inbox/a/1.jpg")]}))
    assert (len(files), failed) == (1, ["m0"])


def test_a_batch_of_failures_is_reported_not_raised() -> None:
    assert _seen(queue_event("x", "y")) == ([], ["m0", "m1"])


def test_a_message_that_names_a_job_is_told_from_files() -> None:
    jobs: list[tuple[str, str, int]] = []
    files: list[DroppedFile] = []
    event = queue_event(
        {"user": "alice", "job_id": "job_1"}, {"Records": [s3_record("inbox/a/1.jpg")]}, TEST_MESSAGE, receives=2
    )
    answer = each_dropped_file(event, Context(), files.append, _never, on_job=lambda *named: jobs.append(named))
    assert answer == {"batchItemFailures": []}
    assert (jobs, [file.key for file in files]) == ([("alice", "job_1", 2)], ["inbox/a/1.jpg"])


def test_queue_and_http_events_are_told_apart() -> None:
    assert is_queue_event(queue_event("x"))
    assert not is_queue_event(http_event("GET", "/"))


def test_a_file_is_the_same_through_every_delivery_and_no_other_is() -> None:
    file = DroppedFile("b", "inbox/a/1.jpg", "v1", "e", "01")
    assert file.identity == DroppedFile("b", "inbox/a/1.jpg", "v1", "other", "99", receives=3).identity
    others = [
        DroppedFile("c", "inbox/a/1.jpg", "v1", "e", "01"),
        DroppedFile("b", "inbox/a/2.jpg", "v1", "e", "01"),
        DroppedFile("b", "inbox/a/1.jpg", "v2", "e", "01"),
        DroppedFile("b", "inbox/a/1.jpg", None, "e", "01"),
        DroppedFile("b", "inbox/a/1.jpg", None, "e", "02"),
    ]
    assert len({file.identity, *(other.identity for other in others)}) == 6


class TestMessages:
    @staticmethod
    def _worked(event: dict[str, object]) -> tuple[list[object], list[str]]:
        seen: list[object] = []

        def work(message: dict[str, object]) -> None:
            if message.get("poison"):
                raise RuntimeError("poison")
            seen.append(message["n"])

        answer = each_message(event, Context(), work, _never)
        return seen, [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    def test_each_is_worked_on(self) -> None:
        assert self._worked(queue_event({"n": 1}, {"n": 2})) == ([1, 2], [])

    def test_one_that_raises_comes_again_alone(self) -> None:
        assert self._worked(queue_event({"n": 1}, {"poison": True}, "{", {"n": 4})) == (
            [1, 4],
            ["m1", "m2"],
        )

    def test_a_batch_of_failures_is_reported_not_raised(self) -> None:
        assert self._worked(queue_event({"poison": True})) == ([], ["m0"])


class TestComingAgain:
    """What happens to the messages of a batch, one of which meets what is given."""

    @staticmethod
    def _put_off(
        error: Exception, *, receives: int = 1, left: int = 29_000, fails: bool = False
    ) -> tuple[list[object], list[str], list[tuple[str, float]]]:
        worked: list[object] = []
        put_off: list[tuple[str, float]] = []

        class Short(Context):
            def get_remaining_time_in_millis(self) -> int:
                return left

        def work(message: dict[str, object]) -> None:
            worked.append(message["n"])
            if message["n"] == 1:
                raise error

        def postpone(handle: str, wait: timedelta) -> None:
            put_off.append((handle, wait.total_seconds()))
            if fails:
                raise ServiceUnavailable("SQS is busy, too.")

        answer = each_message(queue_event({"n": 1}, {"n": 2}, receives=receives), Short(), work, postpone)
        return worked, [failure["itemIdentifier"] for failure in answer["batchItemFailures"]], put_off

    @pytest.mark.parametrize(("receives", "seconds"), [(1, 5), (2, 30), (3, 120), (4, 600), (5, 600)])
    def test_a_fault_that_passes_is_met_again_soon_and_later_each_time(self, receives: int, seconds: int) -> None:
        found = self._put_off(ServiceUnavailable("Busy.", retry_after=2), receives=receives)
        assert found == ([1, 2], ["m0"], [("r0", seconds)])

    def test_no_sooner_than_the_fault_itself_says(self) -> None:
        assert self._put_off(ServiceUnavailable("Busy.", retry_after=60))[2] == [("r0", 60)]

    @pytest.mark.parametrize("error", [RuntimeError("x"), InternalError("x"), ServiceUnavailable("x", charged=True)])
    def test_what_does_not_pass_waits_as_long_as_its_queue_says(self, error: Exception) -> None:
        assert self._put_off(error) == ([1, 2], ["m0"], [])

    def test_what_cannot_be_put_off_waits_as_long_too(self) -> None:
        assert self._put_off(ServiceUnavailable("Busy."), fails=True) == ([1, 2], ["m0"], [("r0", 5)])

    def test_with_little_time_left_only_the_first_is_begun(self) -> None:
        """Who would be stopped in the middle of it has to be given another go; the first always is."""
        assert self._put_off(ServiceUnavailable("Busy."), left=14_000) == ([1], ["m0", "m1"], [("r0", 5), ("r1", 1)])

    def test_a_fault_that_passes_wakes_nobody_up(self, caplog: pytest.LogCaptureFixture) -> None:
        self._put_off(ServiceUnavailable("Busy."))
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        caplog.clear()
        self._put_off(RuntimeError("x"))
        assert [record.levelname for record in caplog.records] == ["ERROR"]
