"""Calls of pydantic-ai, in another process, for it leaves its connections open. Prints what came of each call.

Reads OPENAI_BASE_URL and OPENAI_API_KEY.
"""

import json

from pydantic import BaseModel
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel

MODEL = "google/gemini-2.5-flash"


class Place(BaseModel):
    """A place."""

    city: str


def get_weather(city: str) -> str:
    """Current weather of a city."""
    return f"4 degrees in {city and 'Oslo'}"


def main() -> None:
    """By its default, the Responses API, and by chat."""
    agent = Agent(f"openai:{MODEL}", tools=[get_weather])
    found = {
        "text": agent.run_sync("Hello there").output,
        "used": agent.run_sync("What is the weather in Oslo?").output,
        "place": Agent(f"openai:{MODEL}", output_type=Place).run_sync("A city").output.city,
        "chat": Agent(OpenAIChatModel(MODEL)).run_sync("Hello there").output,
    }
    print(json.dumps(found))  # noqa: T201


if __name__ == "__main__":
    main()
