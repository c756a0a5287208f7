"""`darkroom make`: one picture, one charge, whatever happens in between."""

import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from darkroom_cli.failures import Exit
from tests.unit.cli.conftest import Shell
from tests.unit.cli.studio import FREE, Reply, Sent, Studio, problem

ORDER = "POST /v1/images/generations"


def _keys(studio: Studio) -> list[str]:
    return [each.headers["idempotency-key"] for each in studio.to(ORDER)]


def _started(shell: Shell, *words: str) -> "subprocess.Popen[bytes]":
    """In a process, which can be stopped as people and machines stop them."""
    command = [sys.executable, "-m", "darkroom_cli.main", *words]
    return subprocess.Popen(command, cwd=shell.folder, env=shell.environ, stderr=subprocess.PIPE)


def test_a_picture_is_made_and_its_charge_told(shell: Shell, studio: Studio) -> None:
    studio.makes(warnings=["It was simulated."])
    assert shell.run("make", "A fox, asleep!", "--max-cost", "0.05") == Exit.DONE
    assert shell.out == "a-fox-asleep.jpg\n"
    assert Path("a-fox-asleep.jpg").read_bytes() == b"picture 0"
    assert shell.err == "Note: It was simulated.\nCharged: $0.014.\n"
    (order,) = studio.to(ORDER)
    assert order.json == {"prompt": "A fox, asleep!", "n": 1, "max_cost_usd": 0.05, "response_format": "url"}
    assert order.headers["prefer"] == "respond-async"


def test_the_same_command_again_is_another_picture(shell: Shell, studio: Studio) -> None:
    studio.makes()
    assert [shell.run("make", "a fox"), shell.run("make", "a fox")] == [Exit.DONE, Exit.DONE]
    assert sorted(path.name for path in shell.folder.glob("*.jpg")) == ["a-fox-2.jpg", "a-fox.jpg"]
    assert len(set(_keys(studio))) == 2


def test_a_command_that_was_interrupted_goes_on_with_its_job(shell: Shell, studio: Studio) -> None:
    studio.makes()

    def waiting(_: Sent) -> Reply:
        studio.seen.set()
        return Reply(200, studio.job("running"))

    studio.on("GET /v1/jobs/job_1", waiting)
    process = _started(shell, "make", "a fox")
    assert studio.seen.wait(30)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=30)
    assert (process.returncode, b"pays nothing twice" in told) == (Exit.INTERRUPTED, True)
    (kept,) = shell.pending
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    studio.makes()
    assert shell.run("make", "a fox") == Exit.DONE
    assert len(studio.to(ORDER)) == 1
    assert shell.pending == []
    assert Path("a-fox.jpg").read_bytes() == b"picture 0"


def test_an_upload_that_was_interrupted_orders_nothing(shell: Shell, studio: Studio) -> None:
    studio.takes_uploads()

    def held(_: Sent) -> Reply:
        studio.seen.set()
        studio.goes_on.wait(30)
        return Reply(204)

    studio.on("POST /bucket", held)
    shell.write("photo.jpg")
    process = _started(shell, "make", "oil", "-i", "photo.jpg")
    assert studio.seen.wait(30)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == Exit.INTERRUPTED
    assert (studio.to("POST /v1/images/edits"), shell.pending) == ([], [])


def test_a_command_that_was_killed_before_any_answer_sends_the_same_key(shell: Shell, studio: Studio) -> None:
    def held(_: Sent) -> Reply:
        studio.seen.set()
        studio.goes_on.wait(30)
        return Reply(is_lost=True)

    studio.on(ORDER, held)
    process = _started(shell, "make", "a fox")
    assert studio.seen.wait(30)
    process.kill()
    process.communicate(timeout=30)
    studio.goes_on.set()
    studio.makes()
    assert shell.run("make", "a fox") == Exit.DONE
    assert "without paying again" in shell.err
    assert len(set(_keys(studio))) == 1
    assert [order.json for order in studio.to(ORDER)] == [studio.to(ORDER)[0].json] * 2


def test_other_commands_are_other_requests(shell: Shell, studio: Studio) -> None:
    studio.makes()
    studio.on(ORDER, Reply(is_lost=True))
    assert shell.run("make", "a fox") == Exit.UNDECIDED
    first = set(_keys(studio))
    studio.makes()
    for words in (["make", "a dog"], ["make", "a fox", "-n", "2"]):
        assert shell.run(*words) == Exit.DONE
    shell.environ["DARKROOM_TOKEN"] = "dk_another"
    assert shell.run("make", "a fox") == Exit.DONE
    assert len(set(_keys(studio)) - first) == 3


def test_an_answer_that_was_lost_is_asked_for_with_the_same_key(shell: Shell, studio: Studio) -> None:
    studio.makes()
    replies = [Reply(is_lost=True), problem(503, "ANSWER_PENDING"), Reply(202, studio.job("queued"))]
    replies[1].headers["x-should-retry"] = "true"
    studio.on(ORDER, lambda _: replies.pop(0))
    assert shell.run("make", "a fox") == Exit.DONE
    assert (len(_keys(studio)), len(set(_keys(studio)))) == (3, 1)


def test_where_no_answer_comes_it_stays_pending(shell: Shell, studio: Studio) -> None:
    studio.on(ORDER, Reply(is_lost=True))
    assert shell.run("make", "a fox") == Exit.UNDECIDED
    assert "nothing is paid twice" in shell.err
    assert len(shell.pending) == 1


def test_what_was_refused_for_nothing_is_forgotten(shell: Shell, studio: Studio) -> None:
    studio.on(ORDER, problem(402, "COST_LIMIT"))
    assert shell.run("make", "a fox") == Exit.FAILED
    assert shell.err == "darkroom: It cannot be. Do otherwise. (COST_LIMIT)\n"
    assert shell.pending == []


def test_a_job_that_failed_says_so_and_what_it_cost(shell: Shell, studio: Studio) -> None:
    error = {"code": "NO_IMAGE", "detail": "There is no picture.", "fix": "Ask otherwise."}
    studio.makes(status="failed", error=error)
    assert shell.run("make", "a fox") == Exit.FAILED
    assert "There is no picture. Ask otherwise. (NO_IMAGE)" in shell.err
    assert "Charged: $0.014." in shell.err
    assert (shell.pending, list(shell.folder.glob("*.jpg"))) == ([], [])


def test_a_job_whose_cost_is_unknown_is_not_made_again(shell: Shell, studio: Studio) -> None:
    studio.makes(status="uncertain")
    assert [shell.run("make", "a fox"), shell.run("make", "a fox")] == [Exit.UNDECIDED] * 2
    assert len(studio.to(ORDER)) == 1
    studio.makes()
    assert shell.run("make", "a fox") == Exit.DONE


def test_an_answer_that_was_given_at_once_is_taken(shell: Shell, studio: Studio) -> None:
    studio.makes()
    studio.on(ORDER, lambda _: Reply(200, {"created": 1, "data": [], "job": studio.job()}))
    assert shell.run("make", "a fox") == Exit.DONE


def test_a_job_that_was_told_within_an_error_is_waited_for(shell: Shell, studio: Studio) -> None:
    studio.makes()
    studio.on(ORDER, lambda _: problem(503, "ANSWER_NOT_GIVEN", charged="unknown", job=studio.job("running")))
    assert shell.run("make", "a fox") == Exit.DONE


def test_a_picture_that_cannot_be_written_stays_to_be_fetched(shell: Shell, studio: Studio) -> None:
    studio.makes()
    shell.write("there")
    assert shell.run("make", "a fox", "-o", "there/fox.png") == Exit.USAGE
    assert "cannot be written" in shell.err
    Path("there").unlink()
    assert shell.run("make", "a fox", "-o", "there/fox.png") == Exit.DONE
    assert len(studio.to(ORDER)) == 1


@pytest.mark.parametrize(
    ("name", "form"), [("fox.png", "png"), ("fox.JPG", "jpeg"), ("fox.webp", "webp"), ("fox", None)]
)
def test_the_name_of_the_output_says_its_format(shell: Shell, studio: Studio, name: str, form: str | None) -> None:
    studio.makes()
    assert shell.run("make", "a fox", "-o", name) == Exit.DONE
    assert studio.to(ORDER)[0].json.get("output_format") == form
    assert Path(name).is_file()


def test_a_picture_to_begin_with_is_uploaded(shell: Shell, studio: Studio) -> None:
    studio.makes()
    studio.takes_uploads()
    studio.on("POST /v1/images/edits", lambda _: Reply(202, studio.job("queued")))
    shell.write("photo.jpg")
    assert shell.run("make", "oil", "-i", "photo.jpg", "-i", "photo.jpg") == Exit.DONE
    (edit,) = studio.to("POST /v1/images/edits")
    assert sorted(each["file_id"] for each in edit.json["images"]) == ["upl_1", "upl_2"]
    # The bucket is not Darkroom: it is told no token.
    assert ["authorization" in each.headers for each in studio.to("POST /bucket")] == [False, False]


def test_what_cost_nothing_says_so(shell: Shell, studio: Studio) -> None:
    studio.makes(cost=FREE)
    shell.run("make", "a fox")
    assert shell.err.endswith("Charged: nothing.\n")


def test_a_prompt_in_any_script_gives_a_name(shell: Shell, studio: Studio) -> None:
    studio.makes()
    for prompt, name in (("狐狸", "picture.jpg"), ("Füchse & Bären", "fuchse-baren.jpg"), ("../../etc", "etc.jpg")):
        assert shell.run("make", prompt) == Exit.DONE
        assert shell.out == f"{name}\n"
