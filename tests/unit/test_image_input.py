"""Every way of handing a picture over ends as a source, and everything else is refused by the name of its field."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom.errors import InvalidParameter
from darkroom.models.image_input import edit_fields, from_base64
from darkroom.models.image_request import EditRequest
from darkroom.models.source import ImageSource

PNG = b"\x89PNG..."
B64 = base64.b64encode(PNG).decode()
UPLOAD = "upl_01JABCDEFGHJKMNPQRSTVWXYZ0"
JOB = "job_01JABCDEFGHJKMNPQRSTVWXYZ0"
URL = "https://x.example/a.png?sig=1"


def sources(**fields: Any) -> tuple[ImageSource, ...]:
    images: tuple[ImageSource, ...] = edit_fields(fields)["images"]
    return images


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (PNG, ImageSource("image", data=PNG)),
        (b"", ImageSource("image", data=b"")),
        (f"data:image/png;base64,{B64}", ImageSource("image", data=PNG)),
        (f"DATA:image/png;base64,{B64}", ImageSource("image", data=PNG)),
        (URL, ImageSource("image", url=URL)),
        ("HTTP://x.example", ImageSource("image", url="HTTP://x.example")),
        (f" {URL}\n", ImageSource("image", url=URL)),
        (UPLOAD, ImageSource("image", upload_id=UPLOAD)),
        (JOB, ImageSource("image", job_id=JOB)),
        (f"{JOB}/2", ImageSource("image", job_id=JOB, index=2)),
        ({"image_url": URL}, ImageSource("image", url=URL)),
        ({"image_url": {"url": URL, "detail": "high"}}, ImageSource("image", url=URL)),
        ({"image_url": f"data:image/png;base64,{B64}"}, ImageSource("image", data=PNG)),
        ({"type": "input_image", "image_url": URL, "detail": "auto"}, ImageSource("image", url=URL)),
        ({"type": "image_url", "image_url": {"url": URL}}, ImageSource("image", url=URL)),
        ({"type": "input_image", "file_id": UPLOAD}, ImageSource("image", upload_id=UPLOAD)),
        ({"upload_id": UPLOAD}, ImageSource("image", upload_id=UPLOAD)),
        ({"job_id": JOB}, ImageSource("image", job_id=JOB)),
        ({"job_id": JOB, "index": 3}, ImageSource("image", job_id=JOB, index=3)),
        ({"b64_json": B64}, ImageSource("image", data=PNG)),
        ({"data": f"data:image/png;base64,{B64}"}, ImageSource("image", data=PNG)),
    ],
)
def test_each_way_for_a_picture_and_for_a_mask(value: Any, expected: ImageSource) -> None:
    assert sources(image=value) == (expected,)
    named = edit_fields({"image": PNG, "mask": value})["mask"]
    assert (named.name, named.given, named.index) == ("mask", expected.given, expected.index)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"image_url": URL}, ImageSource("image_url", url=URL)),
        ({"image_url": f"data:;base64,{B64}"}, ImageSource("image_url", data=PNG)),
        ({"image_b64": B64}, ImageSource("image_b64", data=PNG)),
        ({"upload_id": UPLOAD}, ImageSource("upload_id", upload_id=UPLOAD)),
        ({"job_id": JOB}, ImageSource("job_id", job_id=JOB)),
        ({"job_id": f"{JOB}/1"}, ImageSource("job_id", job_id=JOB, index=1)),
        ({"job_id": JOB, "index": "1"}, ImageSource("job_id", job_id=JOB, index=1)),
        ({"job_id": JOB, "job_index": 1}, ImageSource("job_id", job_id=JOB, index=1)),
        ({"images": [{"image_url": URL}]}, ImageSource("images[0]", url=URL)),
        ({"images": f'[{{"file_id": "{UPLOAD}"}}]'}, ImageSource("images[0]", upload_id=UPLOAD)),
        ({"image[0]": PNG}, ImageSource("image[0]", data=PNG)),
    ],
)
def test_fields_that_say_what_they_hold(fields: dict[str, Any], expected: ImageSource) -> None:
    assert edit_fields({"prompt": "a hat", **fields}) == {"prompt": "a hat", "images": (expected,), "mask": None}


def test_pictures_keep_their_order_and_each_its_name() -> None:
    fields = {
        "job_id": JOB,
        "image_url": URL,
        "images": [{"image_url": URL}, PNG],
        "image[10]": b"10",
        "image[9]": b"9",
        "image[]": [b"a", b"b"],
        "image": b"first",
    }
    assert [source.name for source in edit_fields(fields)["images"]] == [
        "image",
        "image[0]",
        "image[1]",
        "image[9]",
        "image[10]",
        "images[0]",
        "images[1]",
        "image_url",
        "job_id",
    ]


def test_what_names_no_picture_is_passed_on_as_it_is() -> None:
    fields = {"image": PNG, "mask": None, "prompt": "", "n": "2", "fallback_models[]": ["a", "b"], "image_url": None}
    assert edit_fields(fields) == {
        "prompt": "",
        "n": "2",
        "fallback_models": ["a", "b"],
        "images": (ImageSource("image", data=PNG),),
        "mask": None,
    }
    assert fields["image"] == PNG, "the request's own fields are left alone"
    # An index of nothing stays, and EditRequest says that it is one field too many.
    assert edit_fields({"image": PNG, "index": 1})["index"] == 1


def test_the_fields_make_an_edit_request() -> None:
    request = EditRequest(**edit_fields({"prompt": "a hat", "image[]": [PNG, PNG], "mask": PNG}))
    assert [source.name for source in request.images] == ["image[0]", "image[1]"]
    assert request.mask == ImageSource("mask", data=PNG)


@pytest.mark.parametrize("fields", [{}, {"image": None}, {"image": []}, {"images": "[]"}, {"mask": PNG}])
def test_without_a_picture_the_error_lists_the_ways(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidParameter) as refused:
        edit_fields(fields)
    assert refused.value.param == "image"
    assert all(way in refused.value.fix for way in ("data:", "http", "upl_", "job_", "form"))


@pytest.mark.parametrize(
    "fields", [{"mask": [PNG, PNG]}, {"mask": PNG, "mask[]": [PNG]}, {"mask[]": [PNG, PNG]}, {"mask": f'["{URL}", 1]'}]
)
def test_a_second_mask_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidParameter, match="More than one mask") as refused:
        edit_fields({"image": PNG, **fields})
    assert refused.value.param == "mask"


NO_PICTURES: list[Any] = [
    "cat.png",
    B64,
    "/etc/passwd",
    "file:///etc/passwd",
    "ftp://x.example/a",
    "javascript:alert(1)",
    "data:image/png;base64,$$$",
    "job_1/x",
    "job_1/1/2",
    "job_1/-1",
    "job_1/99999",
    "x" * 10_000,
    "{not json",
    3,
    True,
    1.5,
    {},
    {"url": "cat.png"},
    {"url": URL, "b64_json": B64},
    {"image_url": URL, "file_id": UPLOAD},
    {"image_url": {"href": URL}},
    {"image_url": None},
    {"image_url": 7},
    {"file_id": "file-abc123"},
    {"file_id": JOB},
    {"upload_id": [UPLOAD]},
    {"job_id": UPLOAD},
    {"job_id": JOB, "index": -1},
    {"job_id": JOB, "index": 1.0},
    {"job_id": JOB, "index": True},
    {"job_id": JOB, "index": "²"},
    {"job_id": f"{JOB}/0", "index": 0},
    {"image_url": URL, "index": 0},
    {"b64_json": "not base64"},
    {"type": "input_file", "file_id": UPLOAD},
    {"type": ["image_url"], "image_url": URL},
]


@pytest.mark.parametrize("value", NO_PICTURES, ids=lambda value: repr(value)[:40])
@pytest.mark.parametrize("param", ["image", "image[1]", "mask"])
def test_what_names_no_picture_is_refused_by_its_field(param: str, value: Any) -> None:
    fields: dict[str, dict[str, Any]] = {
        "image": {"image": value},
        "image[1]": {"image": [PNG, value]},
        "mask": {"image": PNG, "mask": value},
    }
    with pytest.raises(InvalidParameter) as refused:
        edit_fields(fields[param])
    assert (refused.value.param, refused.value.charged) == (param, False)
    assert f"`{param}`" in refused.value.detail
    assert refused.value.fix
    assert len(refused.value.detail) < 200
    assert "x" * 65 not in refused.value.detail


@pytest.mark.parametrize("nothing", [None, "", " ", "null", "undefined"])
def test_a_field_that_says_nothing_is_absent(nothing: str | None) -> None:
    """JavaScript's FormData writes null and undefined as words."""
    given = {"image": nothing, "image_url": URL, "image_b64": nothing, "upload_id": nothing, "mask": nothing}
    assert edit_fields(given) == {"images": (ImageSource("image_url", url=URL),), "mask": None}
    with pytest.raises(InvalidParameter, match="no picture"):
        edit_fields({"image": nothing, "mask": PNG})
    # Of several, none is left out silently, for the others would be paid for.
    with pytest.raises(InvalidParameter) as refused:
        edit_fields({"image": [PNG, nothing]})
    assert refused.value.param == "image[1]"


@pytest.mark.parametrize(
    "value",
    [
        {"b64_json": B64, "media_type": "image/png", "width": 1, "height": 1},
        {"b64_json": B64, "revised_prompt": "A hat"},
        {"url": f"data:image/png;base64,{B64}"},
        {"type": "image", "url": f"data:image/png;base64,{B64}"},
        {"type": "base64", "media_type": "image/png", "data": B64},
        f'"data:image/png;base64,{B64}"',
        f"data:image/png;base64,data:image/png;base64,{B64}",
        f" data:image/png;name=a.png;charset=utf-8;base64,{B64}\n",
    ],
    ids=lambda value: repr(value)[:60],
)
def test_a_picture_as_an_answer_or_another_api_writes_it(value: Any) -> None:
    assert edit_fields({"image": value})["images"] == (ImageSource("image", data=PNG),)


def test_base64_where_a_url_is_taken() -> None:
    data = b"\xff\xd8\xff\xe0" + bytes(99)
    given = {"image_url": base64.b64encode(data).decode()}
    assert edit_fields(given)["images"] == (ImageSource("image_url", data=data),)


def test_the_index_of_the_field_job_id_is_a_field_of_its_own() -> None:
    with pytest.raises(InvalidParameter) as refused:
        edit_fields({"job_id": JOB, "index": "two"})
    assert refused.value.param == "index"


def test_a_picture_given_as_both_job_and_index_twice_is_not_guessed() -> None:
    with pytest.raises(InvalidParameter):
        edit_fields({"job_id": f"{JOB}/1", "job_index": 0})


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(
    ["image", "image[]", "image[0]", "images", "images[]", "image_url", "image_b64", "upload_id", "job_id", "job_index",
     "index", "mask", "mask[]", "prompt"]
)  # fmt: skip
SHAPED = st.fixed_dictionaries({}, optional=dict.fromkeys(
    ["type", "image_url", "url", "file_id", "upload_id", "job_id", "index", "b64_json", "data"], ANYTHING)
)  # fmt: skip


@given(st.dictionaries(NAMES, ANYTHING | SHAPED | st.lists(SHAPED, max_size=2)))
def test_whatever_comes_is_sources_or_an_invalid_parameter(fields: dict[str, Any]) -> None:
    try:
        images = edit_fields(fields)["images"]
    except InvalidParameter:
        return
    assert images
    assert all(len(source.given) == 1 for source in images)


@given(st.binary())
def test_base64_is_read_back(data: bytes) -> None:
    text = base64.encodebytes(data).decode()
    assert from_base64(text, "x") == from_base64(f"data:image/png;base64,{text}", "x") == data
