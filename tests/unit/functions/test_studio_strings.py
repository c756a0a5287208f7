"""The page's catalogues of strings: each language has each text that the views say."""

import json
import re
from pathlib import Path

import pytest

from tests.conftest import ROOT

STATIC = ROOT / "functions" / "studio" / "static"
_SAID = re.compile(r'\bt\((?:[^()"]*\? )?"((?:[^"\\]|\\.)*)"(?:\s*:\s*"((?:[^"\\]|\\.)*)")?')
_KEY = re.compile(r"^[a-z0-9_.-]+\.[a-z0-9_.-]+$")
_ENTRY = re.compile(r'^\s*"((?:[^"\\]|\\.)*)":\s*"((?:[^"\\]|\\.)*)",?$', re.MULTILINE)


def _texts() -> dict[str, str]:
    """Texts that stand in the code as they are said in English, by the file they stand in."""
    files = [path for path in STATIC.rglob("*.js") if path.parent.name in ("views", "components", "state")]
    return {
        text: path.name
        for path in files
        for found in _SAID.findall(path.read_text(encoding="utf-8"))
        for text in found
        if text and not _KEY.match(text) and not text.endswith(".")
    }


def _catalogue(path: Path) -> dict[str, str]:
    return {json.loads(f'"{key}"'): json.loads(f'"{text}"') for key, text in _ENTRY.findall(path.read_text("utf-8"))}


@pytest.mark.parametrize("language", ["de", "es"])
def test_each_text_is_there_with_the_same_values(language: str) -> None:
    said, known = _texts(), _catalogue(STATIC / "strings" / f"{language}.js")
    assert len(said) > 200
    assert {text: name for text, name in said.items() if text not in known} == {}
    values = {text: sorted(re.findall(r"\{\w+\}", text)) for text in said}
    assert {text: known[text] for text in said if sorted(re.findall(r"\{\w+\}", known[text])) != values[text]} == {}
