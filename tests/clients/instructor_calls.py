"""Calls of `instructor`, run by the Python of .venv-clients. Reads BASE_URL and API_KEY; prints what came of them."""

import json
import os
from typing import Any

import instructor
from openai import OpenAI
from pydantic import BaseModel

MODEL = "google/gemini-2.5-flash"
ASKED: Any = [{"role": "user", "content": "A city in Norway, please"}]


class Place(BaseModel):
    """A place."""

    city: str


def main() -> None:
    """Prints, by mode, whether the answer was a place."""
    found = {}
    for mode in (instructor.Mode.TOOLS, instructor.Mode.JSON_SCHEMA, instructor.Mode.RESPONSES_TOOLS):
        client = OpenAI(base_url=f"{os.environ['BASE_URL']}/v1", api_key=os.environ["API_KEY"])
        asked = instructor.from_openai(client, mode=mode)
        place = asked.chat.completions.create(model=MODEL, messages=ASKED, response_model=Place, max_retries=0)
        found[mode.name] = isinstance(place, Place) and bool(place.city)
    print(json.dumps(found))  # noqa: T201


if __name__ == "__main__":
    main()
