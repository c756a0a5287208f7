"""Jobs' documents take little space, and are read as they were written, by whichever version."""

import base64
import hashlib
import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom.adapters.job_documents import LONGEST_TEXT, PATH, known, pack, unpack
from darkroom.adapters.job_rows import document_text, job_row, row_job
from darkroom.services.conversations.planner_schema import Method, plan_schema
from local.job_phrases import added, examples, phrases

PLAN = examples()[-1]
# The last example as it was packed on 2026-11-30. Rows have such bytes; they must be read whatever the prompt says now.
PACKED = base64.b64decode(
    """
    ePl+mls07deBAAAAAIAgf+sBViiLREEUREEUREEUREEUREEUREEUFoUA7rLWgg==
    """
)
PACKED_SHA256 = "76513f009f57665202fd8cc67a92af0cf3b961b8a89437639f3013420ef44f4d"


def test_a_document_of_an_earlier_prompt_is_read_byte_by_byte() -> None:
    assert hashlib.sha256(unpack(PACKED).encode()).hexdigest() == PACKED_SHA256


def test_documents_of_earlier_versions_are_read() -> None:
    text = document_text(PLAN)
    for stored in (text, zlib.compress(text.encode()), zlib.compress(text.encode(), 9)):
        assert unpack(stored) == text
        assert row_job({**job_row(PLAN), "document": stored}) == PLAN


@pytest.mark.parametrize("method", ["local", "generative", "hybrid"])
@pytest.mark.parametrize("may_paint", [True, False])
@pytest.mark.parametrize("has_picture", [True, False])
def test_a_plan_fits_one_unit_of_writing_with_what_stands_beside(
    method: Method, *, may_paint: bool, has_picture: bool
) -> None:
    assert PLAN.work is not None
    assert PLAN.work.chat is not None
    assert PLAN.work.chat.json_schema is not None
    schema = plan_schema(method, may_paint=may_paint, has_picture=has_picture)
    own = PLAN.work.chat.json_schema.model_copy(update={"schema_": schema})
    chat = PLAN.work.chat.model_copy(update={"json_schema": own})
    plan = PLAN.model_copy(update={"work": PLAN.work.model_copy(update={"chat": chat})})
    row = job_row(plan)
    assert len(row["document"]) <= LONGEST_TEXT
    assert row_job(row) == plan


def test_what_is_known_is_what_todays_prompt_says() -> None:
    """Else turns cost more: `python -m local.job_phrases` adds what changed."""
    kept = json.loads(PATH.read_text(encoding="utf-8"))
    assert added(kept)["phrases"] == kept["phrases"]


def test_what_changed_is_added_and_nothing_moved() -> None:
    kept = json.loads(PATH.read_text(encoding="utf-8"))
    gone = phrases()[:2]
    known = [each for each in kept["phrases"] if each not in gone]
    before = {"phrases": ["an operation of before", *known], "dictionaries": ["of before"]}
    after = added(before)
    assert after["phrases"][: len(before["phrases"])] == before["phrases"]
    assert sorted(after["phrases"][len(before["phrases"]) :]) == sorted(gone)
    assert after["dictionaries"][0] == "of before"
    assert len(after["dictionaries"]) == 2


def test_a_short_document_stays_readable() -> None:
    assert pack("x" * LONGEST_TEXT) == "x" * LONGEST_TEXT
    assert isinstance(pack("x" * (LONGEST_TEXT + 1)), bytes)


# Phrases, pieces of them, and what looks like the numbers that take their place.
PIECES = st.one_of(
    st.sampled_from(known().phrases),
    st.sampled_from(known().phrases).map(lambda phrase: phrase[:-1]),
    st.sampled_from(["\x01", "\x02", "0", "\x010\x02", "\\u0001", "é"]),
    st.text(),
)


@given(st.lists(PIECES, max_size=8).map("".join))
def test_any_document_is_read_as_it_was_written(text: str) -> None:
    document = json.dumps({"said": text, "padding": "x" * LONGEST_TEXT}, ensure_ascii=False)
    assert isinstance(stored := pack(document), bytes)
    assert unpack(stored) == document


@given(st.lists(PIECES, max_size=4).map("".join))
def test_phrases_within_a_document_are_read_as_they_were(text: str) -> None:
    document = text.replace("\x01", "").replace("\x02", "") + "x" * LONGEST_TEXT
    assert unpack(pack(document)) == document
