"""What models are good for, by how their ids begin; the longest that fits. It says nothing of what they cost."""

import json
from functools import cache
from pathlib import Path

from darkroom.models.model_row import Note


@cache
def notes() -> dict[str, Note]:
    """By the beginnings of ids, from `model_notes.json`."""
    written = json.loads(Path(__file__).with_name("model_notes.json").read_text(encoding="utf-8"))
    return {start: Note(**{**note, "tags": tuple(note.get("tags", ()))}) for start, note in written.items()}


def note_of(model: str) -> Note | None:
    found = max((start for start in notes() if model.startswith(start)), key=len, default=None)
    return notes()[found] if found else None
