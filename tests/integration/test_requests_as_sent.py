"""Requests byte for byte as clients send them, on every route whose kind they are of."""

import base64
import http.client
import io
import json
import socket
import struct
from typing import Any
from urllib.parse import urlsplit

import pytest
from PIL import Image

from darkroom.http.route_table import DEFAULT
from local.stack import Stack
from tests.conftest import ROOT
from tests.integration.users import EDITS, GENERATIONS, KLEIN, People, User

CASES = {path.stem: path.read_bytes() for path in sorted((ROOT / "tests" / "cases" / "requests").glob("*.http"))}
REMOVALS = "/v1/images/background-removals"
CONVERSATIONS = "/v1/conversations"
# What each of the requests comes to; the others are answered with 200.
STATUS = {"generation_json_not_utf8": 400, "preflight_openai_sdk": 204}
DOT = (ROOT / "tests" / "cases" / "requests" / "part_no_filename_removal.http").read_bytes()
PHOTO = DOT[DOT.index(b"\xff\xd8\xff") : DOT.rindex(b"\r\n--BB--")]


@pytest.fixture(scope="module")
def user(people: People) -> User:
    return people.new("asis")


def _send(stack: Stack, written: bytes) -> tuple[int, dict[str, str], bytes]:
    """Over a socket, as it is but for the end of the connection."""
    url = urlsplit(stack.url)
    with socket.create_connection((url.hostname, url.port), timeout=90) as connection:
        # An end that is reset rather than closed would drop what is still under way.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 10))
        connection.sendall(written)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


def _of(stack: Stack, user: User, name: str) -> bytes:
    head, blank, body = CASES[name].partition(b"\r\n\r\n")
    host = urlsplit(stack.url).netloc.encode()
    return head.replace(b"127.0.0.1:8240", host).replace(b"TOKEN", user.token.encode()) + blank + body


@pytest.mark.parametrize("name", CASES)
def test_a_clients_own_request_is_taken(stack: Stack, user: User, name: str) -> None:
    before = len(user.charges())
    status, headers, body = _send(stack, _of(stack, user, name))
    assert status == STATUS.get(name, 200), body
    if status == 400:
        problem = json.loads(body)
        assert (problem["code"], problem["charged"]) == ("INVALID_PARAMETER", False)
        assert "UTF-8" in problem["detail"]
        assert len(user.charges()) == before
    elif name.startswith(("edit", "generation")):
        (image,) = json.loads(body)["data"]
        assert image.get("b64_json") or image.get("url")
        assert len(user.charges()) == before + 1
    elif name == "preflight_openai_sdk":
        asked = next(line for line in CASES[name].split(b"\r\n") if b"Request-Headers" in line).partition(b": ")[2]
        assert set(asked.decode().split(",")) <= set(headers["access-control-allow-headers"].split(","))
        assert headers["access-control-allow-origin"] == stack.url
    else:
        shown = json.loads(body)
        assert (shown["object"], shown["width"], shown["height"]) == ("background_removal", 192, 256)
        assert shown["media_type"] == ("image/jpeg" if name == "removal_format_jpg" else "image/png")


def _part(name: str, value: bytes, more: str = "", kind: str = "") -> bytes:
    kind = f"\r\nContent-Type: {kind}" if kind else ""
    head = f'--BB\r\nContent-Disposition: form-data; name="{name}"{more}{kind}\r\n\r\n'
    return head.encode() + value + b"\r\n"


# Each hands the picture over in a way of its own; then there are fields that nobody filled in.
FORMS = {
    "no file name": _part("image", PHOTO, kind="image/jpeg") + b"--BB--\r\n",
    "neither file name nor type": _part("image", PHOTO) + b"--BB--\r\n",
    "filename* alone": _part("image", PHOTO, "; filename*=UTF-8''a%20b.jpg") + b"--BB--\r\n",
    "quoted boundary, preamble and epilogue": _part("image", PHOTO, "; filename=a.jpg") + b"--BB--\r\nend",
    "no last delimiter": _part("image", PHOTO, "; filename=a.jpg"),
    "bare line feeds": _part("image", b"@", "; filename=a.jpg").replace(b"\r\n", b"\n").replace(b"@", PHOTO)
    + b"--BB--",
    "a data URL as text": _part("image_url", b"data:image/jpeg;base64," + base64.b64encode(PHOTO)) + b"--BB--\r\n",
    "base64, URL-safe": _part("image_b64", base64.urlsafe_b64encode(PHOTO).rstrip(b"=")) + b"--BB--\r\n",
    "base64 in lines": _part("image_b64", base64.encodebytes(PHOTO)) + b"--BB--\r\n",
}
TYPES = {"quoted boundary, preamble and epilogue": 'Multipart/Form-Data; charset=utf-8; Boundary="BB"'}
# Route, what it needs beside the picture, what it can be told and was not.
ROUTES: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    REMOVALS: ({"format": "JPG", "crop": "false", "channels": "RGBA"}, ("background", "margin", "model", "max_size")),
    CONVERSATIONS: ({"title": "Café"}, ()),
    EDITS: (
        {"prompt": "Make it an oil painting", "stream": "false", "partial_images": "0", "n": "1", "seed": "-1"}
        | {"output_format": "JPG", "quality": "AUTO", "max_cost_usd": "0.2", "provider": '{"sort": "price"}'},
        ("size", "response_format", "background", "user", "output_compression"),
    ),
}


# An edit is paid for each time.
EDITED = ("neither file name nor type", "bare line feeds", "base64, URL-safe")


@pytest.mark.parametrize(
    ("route", "form"), [(route, form) for route in ROUTES for form in (EDITED if route == EDITS else FORMS)]
)
def test_a_form_with_a_picture_is_taken_by_every_route_of_pictures(user: User, route: str, form: str) -> None:
    fields, empty = ROUTES[route]
    end = b"\n" if form == "bare line feeds" else b"\r\n"
    parts = [_part(name, value.encode()) for name, value in fields.items()]
    parts += [_part(name, b"") for name in empty]
    if route != CONVERSATIONS:
        parts.append(_part("mask" if route == EDITS else "background_image", b"", '; filename=""'))
    before = b"".join(parts).replace(b"\r\n", end)
    content_type = TYPES.get(form, "multipart/form-data; boundary=BB")
    answer = user.request(
        "POST",
        f"{route}?api-version=2026-01-01",
        content=b"Hello" + end + before + FORMS[form],
        headers={"content-type": content_type},
    )
    assert answer.status_code == (201 if route == CONVERSATIONS else 200), answer.text
    shown = answer.json()
    if route == CONVERSATIONS:
        assert shown["title"] == "Café"
        assert shown["versions"][0]["image"]["width"] == 192
    elif route == REMOVALS:
        assert (shown["media_type"], shown["width"]) == ("image/jpeg", 192)


JSON_KINDS = ("text/plain;charset=UTF-8", "Application/JSON; Charset=utf-8", "application/x-www-form-urlencoded", "")
JSON_BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", GENERATIONS): {"prompt": "Un café", "response_format": "URL"},
    ("POST", REMOVALS): {"image_url": "data:image/jpeg;base64," + base64.b64encode(PHOTO).decode()},
    ("POST", CONVERSATIONS): {"title": "Café"},
    ("POST", "/v1/chat/completions"): {"messages": [{"role": "user", "content": "Un café"}], "max_tokens": 50},
    ("POST", "/v1/estimates"): {"prompt": "Un café"},
    ("POST", "/v1/uploads"): {"media_type": "IMAGE/JPG"},
    ("POST", "/v1/tokens"): {"name": "Café"},
    ("PATCH", "/v1/settings"): {"warn_at_percent": 80},
    ("PUT", "/v1/recipes/warm"): {"steps": [{"op": "sepia"}]},
}


@pytest.mark.parametrize(("method", "route"), JSON_BODIES)
def test_json_is_taken_by_every_route_whatever_it_is_called(user: User, method: str, route: str) -> None:
    body = json.dumps(JSON_BODIES[method, route], ensure_ascii=False)
    is_paid = route in (GENERATIONS, "/v1/chat/completions")
    for kind in JSON_KINDS[:1] if is_paid else JSON_KINDS:
        answer = user.request(
            method, route, content=("\ufeff" + body).encode(), headers={"content-type": kind} if kind else {}
        )
        assert answer.is_success, (kind, answer.text)


@pytest.mark.parametrize(("method", "route"), JSON_BODIES)
def test_json_that_is_not_unicode_is_refused_by_every_route(user: User, method: str, route: str) -> None:
    body = json.dumps({**JSON_BODIES[method, route], "user": "café"}, ensure_ascii=False).encode("latin-1")
    before = len(user.charges())
    for kind in ("application/json", "text/plain", "application/octet-stream"):
        answer = user.request(method, route, content=body, headers={"content-type": kind})
        assert (answer.status_code, answer.json()["charged"]) == (400, False), (kind, answer.text)
        assert "UTF-8" in answer.json()["detail"]
    assert len(user.charges()) == before


def test_what_a_query_says_to_somebody_else_is_ignored_by_every_route(stack: Stack, user: User) -> None:
    for route in stack.template.routes:
        if route.key == DEFAULT or route.path.startswith(("/oauth", "/try")):  # pages
            continue
        path = route.path.replace("{", "").replace("+}", "").replace("}", "")
        plain = user.request(route.method, path)
        with_query = user.request(route.method, f"{path}?api-version=2026-01-01&_=1&utm_source=x")
        assert with_query.status_code == plain.status_code or {201, 409} >= {with_query.status_code, plain.status_code}
        if not plain.is_success:
            said = (plain.json(), with_query.json())
            assert said[0].get("code") == said[1].get("code"), route.key
            assert said[0].get("param") == said[1].get("param"), route.key


def test_settings_and_recipes_are_taken_as_forms(user: User) -> None:
    form = {
        "retention_days": "7",
        "zero_data_retention": "false",
        "favourite_models": f'["{KLEIN}"]',
        "webhook_url": "",
    }
    answer = user.request("PATCH", "/v1/settings", data={**form, "use_cloud_removal": "Never"})
    assert answer.status_code == 200, answer.text
    saved = user.request("PUT", "/v1/recipes/formed", data={"steps": '[{"op": "sepia"}]', "name": ""})
    assert saved.status_code == 200, saved.text
    upload = user.post("/v1/uploads", {"media_type": "image/png"}).json()["upload_id"]
    applied = user.request("POST", "/v1/recipes/apply", data={"recipe": "formed", "images": json.dumps([upload])})
    assert applied.status_code == 202, applied.text


def test_a_picture_is_cut_out_from_a_data_url_wherever_a_url_is_taken(user: User) -> None:
    small = io.BytesIO()
    Image.new("RGB", (8, 8), "navy").save(small, "PNG")
    behind = "data:image/png;base64," + base64.b64encode(small.getvalue()).decode()
    picture = "data:image/jpeg;base64," + base64.b64encode(PHOTO).decode()
    for name in ("background_url", "background", "background_b64"):
        answer = user.post(REMOVALS, {"image": picture, name: behind, "format": "PNG"})
        assert answer.status_code == 200, answer.text
