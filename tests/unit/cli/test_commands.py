"""`darkroom cut`, `recipe`, `spend`, and what all commands have in common."""

import json
from pathlib import Path
from typing import Any

import pytest

from darkroom_cli.client import MAX_IN_REQUEST
from darkroom_cli.failures import Exit
from darkroom_cli.money import charged, dollars
from darkroom_cli.recipe import MAX_IMAGES, batches
from tests.servers import unused_port
from tests.unit.cli.conftest import Shell
from tests.unit.cli.studio import FREE, Reply, Sent, Studio, problem

CUT = "POST /v1/images/background-removals"
APPLY = "POST /v1/recipes/apply"


def _cut(studio: Studio, **headers: str) -> None:
    studio.on(CUT, Reply(200, b"cut out", {"x-width": "4", "x-height": "3", **headers}))


def test_photographs_are_cut_out_beside_themselves(shell: Shell, studio: Studio) -> None:
    _cut(studio, **{"x-warnings": "One. | Two."})
    shell.write("a.jpg")
    shell.write("b.heic")
    assert shell.run("cut", "a.jpg", "b.heic", "--crop", "--margin", "5%", "--background", "#fff") == Exit.DONE
    assert shell.out == "a.cutout.png\nb.cutout.png\n"
    assert Path("b.cutout.png").read_bytes() == b"cut out"
    assert "a.jpg: 4 × 3 pixels. Charged: nothing." in shell.err
    assert "Note: One.\nNote: Two.\n" in shell.err
    assert [each.headers["accept"] for each in studio.to(CUT)] == ["image/png"] * 2
    body = studio.to(CUT)[1].body
    # Whatever the settings say: nothing is paid unless it is asked for here.
    for field in (b'name="cloud"\r\n\r\nfalse', b'name="crop"\r\n\r\ntrue', b'name="margin"\r\n\r\n5%', b"image/heic"):
        assert field in body


def test_a_large_photograph_is_uploaded_first(shell: Shell, studio: Studio) -> None:
    _cut(studio)
    studio.takes_uploads()
    shell.write("large.jpg", b"\xff\xd8" + bytes(MAX_IN_REQUEST))
    assert shell.run("cut", "large.jpg", "-o", "result.webp") == Exit.DONE
    assert studio.to(CUT)[0].json == {"format": "webp", "cloud": "false", "upload_id": "upl_1"}
    assert len(studio.to("POST /bucket")[0].body) > MAX_IN_REQUEST
    assert Path("result.webp").read_bytes() == b"cut out"


def test_a_gateway_with_a_lower_limit_is_met_by_an_upload(shell: Shell, studio: Studio) -> None:
    replies = [Reply(413, {"message": "Request Entity Too Large"}), Reply(200, b"cut out")]
    studio.on(CUT, lambda _: replies.pop(0))
    studio.takes_uploads()
    shell.write("a.jpg")
    assert shell.run("cut", "a.jpg") == Exit.DONE
    assert studio.to(CUT)[1].json["upload_id"] == "upl_1"


@pytest.mark.parametrize("way", ["link", "job"])
def test_a_cut_out_by_a_link_or_a_job_is_fetched(shell: Shell, studio: Studio, way: str) -> None:
    studio.makes(cost=FREE)
    link = Reply(303, b"", {"location": f"{studio.url}/pictures/0", "x-width": "4", "x-height": "3"})
    studio.on(CUT, link if way == "link" else Reply(202, studio.job("queued")))
    shell.write("a.jpg")
    assert shell.run("cut", "a.jpg") == Exit.DONE
    assert Path("a.cutout.png").read_bytes() == b"picture 0"
    assert "4 × 3" in shell.err


def test_of_several_photographs_one_may_fail(shell: Shell, studio: Studio) -> None:
    def one_in_two(_: Sent) -> Reply:
        return problem(422, "NO_FOREGROUND") if len(studio.to(CUT)) == 1 else Reply(200, b"cut out")

    studio.on(CUT, one_in_two)
    shell.write("a.jpg")
    shell.write("b.jpg")
    assert shell.run("cut", "a.jpg", "b.jpg") == Exit.PARTLY
    assert "a.jpg: It cannot be. Do otherwise. (NO_FOREGROUND)" in shell.err
    assert shell.out == "b.cutout.png\n"


def test_a_cut_out_for_money_is_pending_until_it_is_here(shell: Shell, studio: Studio) -> None:
    studio.takes_uploads()
    studio.makes()
    studio.on(CUT, Reply(is_lost=True))
    shell.write("a.jpg")
    assert shell.run("cut", "a.jpg", "--cloud") == Exit.UNDECIDED
    studio.on(CUT, Reply(202, studio.job("queued")))
    assert shell.run("cut", "a.jpg", "--cloud") == Exit.DONE
    assert len({each.headers["idempotency-key"] for each in studio.to(CUT)}) == 1
    assert {each.json["cloud"] for each in studio.to(CUT)} == {"true"}
    assert "Charged: $0.014." in shell.err
    assert shell.pending == []


def _applied(studio: Studio, indices: list[int], failed: list[int]) -> dict[str, Any]:
    images = [{"url": f"{studio.url}/pictures/{index}", "media_type": "image/webp"} for index in indices]
    errors = [{"index": index, "detail": "Not a picture.", "code": "UNREADABLE_IMAGE"} for index in failed]
    return studio.job(output={"images": images, "indices": indices, "errors": errors}, cost=FREE)


def test_a_folder_goes_through_a_recipe(shell: Shell, studio: Studio) -> None:
    studio.takes_uploads()
    studio.on(APPLY, lambda _: Reply(202, studio.job("queued")))
    studio.on("GET /v1/jobs/job_1", lambda _: Reply(200, _applied(studio, [0, 2], [1])))
    for name in ("a.jpg", "b.png", "c.heic", "notes.txt"):
        shell.write(f"photos/{name}", name.encode())
    assert shell.run("recipe", "apply", "shop", "photos/") == Exit.PARTLY
    assert shell.out.strip() == str(shell.folder / "photos-shop")
    assert {path.name: path.read_bytes() for path in Path("photos-shop").iterdir()} == {
        "a.webp": b"picture 0",
        "c.webp": b"picture 2",
    }
    assert "b.png: Not a picture. (UNREADABLE_IMAGE)" in shell.err
    (order,) = studio.to(APPLY)
    assert (order.json["recipe"], len(order.json["images"])) == ("shop", 3)
    assert "allow_paid" not in order.json


def test_a_folder_is_painted_for_money_only_if_that_is_said(shell: Shell, studio: Studio) -> None:
    studio.takes_uploads()
    studio.on(APPLY, lambda _: Reply(202, studio.job("queued")))
    studio.on("GET /v1/jobs/job_1", lambda _: Reply(200, _applied(studio, [0], [])))
    shell.write("photos/a.jpg")
    shell.write("own.json", b'[{"op": "sepia"}]')
    assert shell.run("recipe", "apply", "own.json", "photos", "--max-cost", "0.5", "-o", "out") == Exit.DONE
    order = studio.to(APPLY)[0].json
    assert (order["recipe"], order["allow_paid"], order["max_cost_usd"]) == ({"steps": [{"op": "sepia"}]}, True, 0.5)
    assert Path("out/a.webp").is_file()


def test_more_pictures_than_a_job_holds_are_several_jobs() -> None:
    photos = [Path(f"{number}.jpg") for number in range(MAX_IMAGES + 1)]
    assert [len(batch) for batch in batches(photos)] == [MAX_IMAGES, 1]
    assert [photo for batch in batches(photos, 7) for photo in batch] == photos


def test_one_cap_is_not_divided_among_several_jobs(shell: Shell, studio: Studio) -> None:
    for number in range(MAX_IMAGES + 1):
        shell.write(f"photos/{number}.jpg", b"")
    assert shell.run("recipe", "apply", "shop", "photos", "--max-cost", "1") == Exit.USAGE
    assert studio.sent == []


def test_a_recipe_is_kept_and_listed(shell: Shell, studio: Studio) -> None:
    studio.on("PUT /v1/recipes/shop", Reply(200, {}))
    rows = [{"name": "shop", "step_count": 2, "painted_step_count": 1}]
    studio.on("GET /v1/recipes", Reply(200, {"data": rows}))
    shell.write("shop.json", b'{"steps": [{"op": "sepia"}]}')
    assert shell.run("recipe", "save", "shop", "shop.json") == Exit.DONE
    assert studio.to("PUT /v1/recipes/shop")[0].json == {"steps": [{"op": "sepia"}]}
    assert shell.run("recipe", "list") == Exit.DONE
    assert shell.out == "shop\t2 steps, 1 painted\n"


def test_what_is_left_and_what_was_spent_is_told(shell: Shell, studio: Studio) -> None:
    usage = {
        "budgets": [{"name": "day", "limit_usd": 5.0, "remaining_usd": 4.943}],
        "month": "2026-11",
        "totals": {"cost_usd": 0.057, "requests": 5},
        "groups": [{"model": "flux", "cost_usd": 0.057, "requests": 1}],
    }
    studio.on("GET /v1/usage", Reply(200, usage))
    assert shell.run("spend", "--month", "2026-11") == Exit.DONE
    assert shell.out == "day\t$4.943 left of $5.00\n2026-11\t$0.057 for 5 requests\n  flux\t$0.057\t1 request\n"
    assert "month=2026-11" in studio.to("GET /v1/usage")[0].path


@pytest.mark.parametrize(
    "words",
    [
        ["cut", "none.jpg"],
        ["cut", "."],
        ["make", "a fox", "-i", "none.jpg"],
        ["recipe", "apply", "shop", "none"],
        ["recipe", "apply", "shop", "."],
        ["recipe", "apply", "none.json", "."],
        ["recipe", "save", "shop", "list.txt"],
        ["cut", "list.txt", "list.txt", "-o", "list.txt"],
    ],
)
def test_a_command_that_cannot_be_is_told_before_anything_is_sent(
    shell: Shell, studio: Studio, words: list[str]
) -> None:
    shell.write("list.txt", b"not JSON")
    assert shell.run(*words) == Exit.USAGE
    assert shell.err.startswith("darkroom: ")
    assert studio.sent == []


def test_where_no_server_listens_is_said(shell: Shell) -> None:
    shell.environ["DARKROOM_URL"] = f"http://127.0.0.1:{unused_port()}"
    assert shell.run("spend") == Exit.UNREACHABLE
    assert "does not answer" in shell.err


@pytest.mark.parametrize("reply", [Reply(200, b"<html>"), Reply(200, []), Reply(502, b"<html>")])
def test_another_server_than_darkroom_is_told(shell: Shell, studio: Studio, reply: Reply) -> None:
    studio.on("GET /v1/usage", reply)
    assert shell.run("spend") in (Exit.UNREACHABLE, Exit.FAILED)
    assert shell.err.startswith("darkroom: ")


def test_a_server_that_repeats_the_token_does_not_have_it_printed(shell: Shell, studio: Studio) -> None:
    studio.on("GET /v1/usage", lambda sent: problem(401, "INVALID_TOKEN", detail=sent.headers["authorization"]))
    assert shell.run("spend") == Exit.FAILED
    assert "Bearer …" in shell.err


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "$0.00"),
        (0.0, "$0.00"),
        (5.0, "$5.00"),
        (0.014, "$0.014"),
        (12.3, "$12.30"),
        (1e-06, "$0.000001"),
        (100, "$100.00"),
    ],
)
def test_dollars_have_cents_and_what_else_there_is(amount: float, text: str) -> None:
    assert dollars(amount) == text


@pytest.mark.parametrize(
    ("cost", "words"),
    [
        ({"settled": False, "charged": "unknown"}, "not known yet"),
        ({"settled": True, "charged": "unknown", "actual_usd": 0.02}, "counts as $0.02"),
        ({"settled": True, "charged": True, "actual_usd": 0.02}, "Charged: $0.02."),
        ({"settled": True, "charged": False, "actual_usd": 0.0}, "Charged: nothing."),
    ],
)
def test_a_charge_is_told_as_it_is(cost: dict[str, Any], words: str) -> None:
    assert words in charged(json.loads(json.dumps(cost)))
