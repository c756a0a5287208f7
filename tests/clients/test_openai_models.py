"""The official `openai` SDK reads the list of models."""

import openai
import pytest
from openai import OpenAI

from tests.integration.users import KLEIN, People


def test_the_sdk_lists_and_retrieves(people: People) -> None:
    user = people.new("sdk", connected=False)
    with OpenAI(base_url=f"{user.stack.url}/v1", api_key=user.token) as client:
        models = {model.id: model for model in client.models.list()}
        assert (models[KLEIN].object, models[KLEIN].owned_by) == ("model", "black-forest-labs")
        assert models[KLEIN].created > 0
        assert models["google/gemini-3.1-flash-image-preview"].shutdown_date == "2026-12-31"
        found = client.models.retrieve(KLEIN)
        assert (found.id, found.created) == (KLEIN, models[KLEIN].created)
        assert client.models.retrieve("dall-e-3").id == "openai/gpt-image-2"
        with pytest.raises(openai.NotFoundError) as raised:
            client.models.retrieve("nobody/nothing")
        assert raised.value.code == "NOT_FOUND"
