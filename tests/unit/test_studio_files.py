"""What the page is made of: its libraries as they were published, its routes in the document, its words, its weight."""

import gzip
import hashlib
import json
import re
from pathlib import Path
from typing import Any, Final

import pytest

from darkroom.http.routes.studio import served
from tests.conftest import ROOT
from tests.openapi import DOCUMENT

STATIC: Final = ROOT / "functions" / "studio" / "static"
VENDOR: Final = STATIC / "vendor"
MANIFEST: Final[dict[str, dict[str, str]]] = json.loads((VENDOR / "manifest.json").read_text())
LANGUAGES: Final = ("en", "de", "es")
LICENCES: Final = {"MIT", "Apache-2.0", "OFL-1.1"}
OWN: Final = sorted(path for path in STATIC.rglob("*.js") if path.parent != VENDOR)
# What stands apart from the budgets: loaded for one press, or by its own `font-display`.
APART: Final = {"vendor/client-zip.js", "vendor/instrument-sans.woff2"}
IMPORTS: Final = re.compile(r"""(?:from|import)\s*\(?["'`](\.{1,2}/[^"'`$]+\.js)["'`]""")


# Other texts are said in English as they stand in the code: a view brings its own, and only other languages list them.
KEY: Final = re.compile(r"[a-z_]+(\.[a-z0-9_]+)+")
SAID: Final = re.compile(r'\bt\((?:[^()"]*\? )?"((?:[^"\\]|\\.)*)"(?:\s*:\s*"((?:[^"\\]|\\.)*)")?')


def _texts() -> set[str]:
    """What views say without a key."""
    found = {text for path in OWN for pair in SAID.findall(path.read_text(encoding="utf-8")) for text in pair if text}
    return {text for text in found if not KEY.fullmatch(text) and not re.fullmatch(r"[a-z_.]+\.|one|many", text)}


def _words(language: str) -> dict[str, str]:
    text = (STATIC / "strings" / f"{language}.js").read_text(encoding="utf-8")
    found = re.findall(r'^  ("(?:[^"\\]|\\.)+"): ("(?:[^"\\]|\\.)*"),$', text, re.MULTILINE)
    assert len(found) == text.count('": "'), "one key a line"
    assert len({key for key, _ in found}) == len(found), "a key twice"
    return {json.loads(key): json.loads(value) for key, value in found}


def test_libraries_are_byte_for_byte_as_published() -> None:
    there = {path.name for path in VENDOR.iterdir() if path.suffix in (".js", ".woff2")}
    assert there == set(MANIFEST)
    for name, said in MANIFEST.items():
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == said["sha256"], name
        assert said["licence"] in LICENCES
        assert re.fullmatch(r"\d+\.\d+\.\d+", said["version"])


@pytest.mark.parametrize("path", sorted((STATIC / "api").glob("*.js")), ids=lambda path: path.stem)
def test_each_call_is_a_route_of_the_document(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    calls = re.findall(r'(?:call|listen)\("([A-Z]+) (/[^"]+)"(.*)', text)
    assert len(calls) == len(re.findall(r"\b(?:call|listen)\(", text)) - (path.name == "client.js") * 2, (
        "the route stands as a literal"
    )
    for method, route, rest in calls:
        operation: dict[str, Any] = DOCUMENT["paths"].get(route, {}).get(method.lower())
        assert operation, f"{method} {route}"
        wanted = set(re.findall(r"\{(\w+)\}", route))
        assert bool(wanted) == ("path: {" in rest)
        assert all(name in rest for name in wanted)
        assert ("query" in rest) <= any(each.get("in") == "query" for each in operation.get("parameters", ())), route
        assert ("body" in rest) <= ("requestBody" in operation), route


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_every_language_says_everything(language: str) -> None:
    english = _words("en")
    english |= {text: text for text in _texts()}
    other = _words(language)
    assert set(english) - set(other) == set()
    assert {key for key in set(other) - set(english) if KEY.fullmatch(key)} == set()
    for key, text in english.items():
        assert sorted(re.findall(r"\{\w+\}", other[key])) == sorted(re.findall(r"\{\w+\}", text)), key


def test_every_key_that_is_asked_for_is_there() -> None:
    known, used = set(_words("en")), set[str]()
    for path in OWN:
        text = path.read_text(encoding="utf-8")
        used |= {key for key in re.findall(r'\bt\("([\w.]+)"', text) if KEY.fullmatch(key)}
        used |= {f"{key}.{n}" for key in re.findall(r'\btn\("([\w.]+)"', text) for n in ("one", "many")}
    assert used - known == set()


def test_only_one_file_imports_the_libraries_and_nothing_is_from_elsewhere() -> None:
    for path in OWN:
        text = path.read_text(encoding="utf-8")
        bare = re.findall(r'^import .* from "([^."][^"]*)"', text, re.MULTILINE)
        assert not bare or path.name == "html.js", path
        assert "https://" not in text, path
        for banned in ("innerHTML", "eval(", "new Function", "document.write", "dangerouslySetInnerHTML"):
            assert banned not in text, f"{path.name}: {banned}"
        for target in IMPORTS.findall(text):
            assert (path.parent / target).resolve().is_file(), f"{path.name}: {target}"


def test_views_ask_for_nothing_themselves() -> None:
    for folder in ("views", "components"):
        for path in (STATIC / folder).glob("*.js"):
            text = path.read_text(encoding="utf-8")
            assert "fetch(" not in text, path.name
            assert "../api/" not in text, path.name


def _closure(names: set[str]) -> set[str]:
    """All that is loaded with some modules, without what they load when it is wanted (`import()`)."""
    found = set[str]()
    waiting = sorted(names)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        text = (STATIC / name).read_text(encoding="utf-8")
        for target in re.findall(
            r"""^(?:import|export) .*?from ["'](\.{1,2}/[^"']+)["']""", text, re.MULTILINE | re.DOTALL
        ):
            waiting.append((STATIC / name).parent.joinpath(target).resolve().relative_to(STATIC).as_posix())
    return found


LIBRARIES: Final = {f"vendor/{name}" for name in MANIFEST if name.endswith(".js")} - APART
VIEWS: Final = {path.stem for path in (STATIC / "views").glob("*.js")}
SHELL: Final = {"index.html", "boot.js", "styles/base.css", "strings/en.js", *LIBRARIES}


def _weights(names: set[str]) -> tuple[int, int]:
    """Bytes, and bytes by gzip."""
    contents = [served(name, (STATIC / name).read_bytes()) for name in sorted(names)]
    return sum(map(len, contents)), sum(len(gzip.compress(content, mtime=0)) for content in contents)


@pytest.mark.parametrize("view", sorted(VIEWS))
def test_to_be_usable_little_is_loaded(view: str) -> None:
    styles = {f"views/{view}.css", "styles/stage.css"}
    loaded = _closure({"app.js", f"views/{view}.js"}) | SHELL | styles
    assert _weights(loaded)[0] <= 130_000


def test_all_views_together_stay_light() -> None:
    styles = {f"views/{view}.css" for view in VIEWS} | {"styles/sheet.css"}
    loaded = _closure({"app.js", *(f"views/{view}.js" for view in VIEWS)}) | SHELL | styles | {"styles/stage.css"}
    plain, packed = _weights(loaded)
    # More than is wished for (220,000 and 70,000): each of 75 files is packed by itself, and seven views say much. Of
    # the languages one is counted, for a browser loads one.
    assert plain <= 267_000
    assert packed <= 99_900
