"""The page at `/` and its files, as the function serves them."""

import base64
import gzip
import hashlib
import re
from pathlib import Path
from typing import Any

import pytest

from darkroom.adapters.aws import bucket_origins
from darkroom.http.routes.studio import Files, routes, served
from darkroom.http.schemas.studio import FILE, FILE_IN_FOLDER
from tests.application import Studio
from tests.conftest import ROOT
from tests.events import Context, http_event
from tests.openapi import handled

STATIC = ROOT / "functions" / "studio" / "static"
BUCKETS = ("https://up.s3.eu-west-1.amazonaws.com", "https://out.s3.eu-west-1.amazonaws.com")


@pytest.fixture
def files() -> Files:
    return Files(STATIC, BUCKETS)


def _get(studio: Studio, files: Files, path: str, **headers: str) -> dict[str, Any]:
    event = http_event("GET", path, headers=headers)
    event["routeKey"] = {2: "GET /", 4: FILE.route}.get(len(path.split("/")), FILE_IN_FOLDER.route)
    return handled(routes(studio.app, files).handle, event, Context())


def _content(answer: dict[str, Any]) -> bytes:
    body: str = answer["body"]
    content = base64.b64decode(body) if answer["isBase64Encoded"] else body.encode()
    return gzip.decompress(content) if answer["headers"].get("content-encoding") == "gzip" else content


def test_the_page_is_for_everybody_and_asked_for_again_each_time(studio: Studio, files: Files) -> None:
    answer = _get(studio, files, "/")
    assert answer["statusCode"] == 200
    assert answer["headers"]["cache-control"] == "no-cache"
    assert answer["headers"]["x-content-type-options"] == "nosniff"
    page = _content(answer).decode()
    assert "/studio/_/" not in page
    assert f"/studio/{files.version}/app.js" in page
    again = _get(studio, files, "/", **{"if-none-match": answer["headers"]["etag"]})
    assert (again["statusCode"], again["body"]) == (304, "")


def test_the_policy_runs_files_of_this_site_and_the_import_map_alone(studio: Studio, files: Files) -> None:
    answer = _get(studio, files, "/")
    policy = dict(each.strip().split(" ", 1) for each in answer["headers"]["content-security-policy"].split(";"))
    (import_map,) = re.findall(r'<script type="importmap">(.*?)</script>', _content(answer).decode(), re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(import_map.encode()).digest()).decode()
    assert policy == {
        "default-src": "'none'",
        "script-src": f"'self' 'sha256-{digest}'",
        "style-src": "'self'",
        "font-src": "'self'",
        "img-src": f"'self' blob: data: {BUCKETS[0]} {BUCKETS[1]}",
        "connect-src": f"'self' {BUCKETS[0]} {BUCKETS[1]}",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
    }


def test_files_of_this_release_are_kept_for_good_and_others_are_asked_for(studio: Studio, files: Files) -> None:
    kept = _get(studio, files, f"/studio/{files.version}/app.js", **{"accept-encoding": "br, gzip"})
    assert kept["headers"]["cache-control"] == "public, max-age=31536000, immutable"
    assert kept["headers"]["Content-Type"] == "text/javascript; charset=utf-8"
    assert kept["headers"]["content-encoding"] == "gzip"
    assert _content(kept) == served("app.js", (STATIC / "app.js").read_bytes())
    former = _get(studio, files, "/studio/0123456789abcdef/vendor/instrument-sans.woff2")
    assert former["headers"]["cache-control"] == "no-cache"
    assert "content-encoding" not in former["headers"]
    assert _content(former) == (STATIC / "vendor" / "instrument-sans.woff2").read_bytes()


@pytest.mark.parametrize("path", ["/studio/x/no.js", "/studio/x/../app.py", "/studio/x/%2e%2e/app.py"])
def test_what_is_no_file_of_the_page_is_a_problem_as_everywhere(studio: Studio, files: Files, path: str) -> None:
    assert _get(studio, files, path)["statusCode"] == 404


def test_another_file_makes_another_release(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<p>")
    (tmp_path / "app.js").write_text("one")
    first = Files(tmp_path).version
    assert Files(tmp_path).version == first
    (tmp_path / "app.js").write_text("two")
    assert Files(tmp_path).version != first


def test_the_buckets_are_named_as_links_name_them() -> None:
    assert bucket_origins({"AWS_REGION": "eu-west-1"}, ("up", "out")) == BUCKETS
    assert bucket_origins({"AWS_ENDPOINT_URL": "http://127.0.0.1:9/"}, ("up", "out")) == ("http://127.0.0.1:9",)


def test_our_own_files_go_without_what_is_for_readers_and_others_as_they_are() -> None:
    written = b"// why\nconst a = `\n  <b>${x}</b>`; // stays\n  /** Two\n   * lines. */\n  go(a);\n"
    assert served("state/a.js", written) == b"const a = `\n<b>${x}</b>`; // stays\ngo(a);\n"
    assert served("vendor/a.js", written) == written
    assert served("strings/a.json", written) == written
