"""A transparent picture of a model that makes none, on the running stack: bought once, and cut out for nothing."""

import io

import httpx
from PIL import Image

from tests.integration.users import KLEIN, People

PRICE = 14_000


def test_a_transparent_picture_is_bought_opaque_and_cut_out_for_nothing(people: People) -> None:
    user = people.new("transparent")
    asked = {"model": KLEIN, "prompt": "A red ball on a white table", "background": "transparent"}
    key = {"idempotency-key": "ball"}
    ordered = user.order(key, **asked, response_format="url")
    assert (ordered["status"], ordered["output"]["images"]) in (("queued", []), ("running", []))
    user.until(ordered["id"], "succeeded")
    answer = user.generate(key, **asked, response_format="url")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["background"], body["output_format"]) == ("transparent", "png")
    picture = Image.open(io.BytesIO(httpx.get(body["data"][0]["url"], trust_env=False).content))
    assert (picture.format, picture.mode) == ("PNG", "RGBA")
    alpha, (right, bottom) = picture.getchannel("A"), (picture.width - 1, picture.height - 1)
    assert [alpha.getpixel(at) for at in ((0, 0), (right, 0), (0, bottom), (right, bottom))] == [0] * 4
    assert alpha.getextrema()[1] == 255
    assert any("cut out of its background" in warning for warning in body["warnings"])
    assert user.charges() == [PRICE]
    job = user.job(body["job"]["id"])
    assert (job["status"], job["cost"]["actual_usd"], job["cost"]["charged"]) == ("succeeded", 0.014, True)
    (receipt,) = user.receipts()
    assert (receipt["job_id"], receipt["actual_micro_usd"], receipt["images"]) == (job["id"], PRICE, 1)
