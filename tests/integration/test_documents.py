"""Each code block of each document, run in order on the running stack; what comes out is what the document says."""

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from local.examples import DOCUMENTS, Example, Ran, blocks_of, differences, prepare
from local.stack import Stack
from tests.conftest import ROOT
from tests.integration.users import People, picture

BLOCKS = {name: blocks_of(path.read_text(encoding="utf-8")) for name, path in DOCUMENTS.items()}
PHOTO = (ROOT / "events" / "photo.jpg").read_bytes()
RUN = {name: blocks for name, blocks in BLOCKS.items() if any(block.is_run for block in blocks)}


@pytest.fixture
def replaced(stack: Stack) -> Mapping[str, str]:
    """The port that documents have their stack allow is another one here."""
    return {"9000": stack.also_allowed[1].rpartition(":")[2]}


@pytest.fixture
def folder(stack: Stack, people: People, tmp_path: Path) -> Iterator[Path]:
    """A checkout whose `make up` serves somebody that no other document knows."""
    user = people.new("reader")
    prepare(tmp_path, {**stack.describe(), "user": user.name, "token": user.token})
    yield tmp_path
    shutil.rmtree(tmp_path / "local")


@pytest.mark.parametrize("name", sorted(RUN))
def test_a_document_does_what_it_says(name: str, folder: Path, replaced: Mapping[str, str]) -> None:
    for ran in Example(RUN[name], folder, replaced).run():
        assert ran.status == 0, _told(name, ran, "it failed")
        if ran.block.expected is None:
            assert not ran.out.strip(), _told(name, ran, "the document does not say what comes out")
        else:
            assert differences(ran.block.expected, ran.out) == [], _told(name, ran, "another output")


def test_the_body_that_n8n_sends_makes_a_picture(people: People) -> None:
    (block,) = [each for each in BLOCKS["clients"] if each.tried_by == "tests/integration/test_documents.py"]
    headers = {"content-type": "application/json", "accept": "application/json,*/*", "user-agent": "axios/1.12.2"}
    answer = people.new("n8n").request("POST", "/v1/images/generations", content=block.text, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"][0]["url"].startswith("http")


def _shape_differs(shown: Any, found: Any, place: str = "$") -> Iterator[str]:
    """The fields of a document's answer that a real one lacks."""
    if isinstance(shown, dict):
        for name, value in shown.items():
            if not isinstance(found, dict) or name not in found:
                yield f"{place}.{name}"
            else:
                yield from _shape_differs(value, found[name], f"{place}.{name}")
    elif isinstance(shown, list) and shown:
        if not isinstance(found, list) or not found:
            yield f"{place}[]"
        else:
            yield from _shape_differs(shown[0], found[0], f"{place}[]")


def test_answers_have_the_fields_that_the_reference_shows(people: People) -> None:
    """docs/api.md"""
    user = people.new("reader")
    begun = user.request("POST", "/v1/conversations", files={"image": picture()}).json()
    answers = [
        user.generate(),
        user.post(f"/v1/conversations/{begun['id']}/messages", {"content": "Warmer"}),
        user.request("POST", "/v1/images/background-removals", files={"image": PHOTO}),
        user.generate(size="nonsense"),
    ]
    shown = [json.loads(block.text) for block in BLOCKS["api"] if block.tried_by]
    assert len(shown) == len(answers)
    for one, answer in zip(shown, answers, strict=True):
        assert list(_shape_differs(one, answer.json())) == [], answer.text


def _told(name: str, ran: Ran, what: str) -> str:
    place = f"{DOCUMENTS[name].relative_to(ROOT)}:{ran.block.line}: {what}"
    shown = re.sub(r"dk_\w+", "dk_…", f"--- stdout\n{ran.out}\n--- stderr\n{ran.err}")
    return f"{place}\n{ran.block.text}\n{shown}"
