"""MCP's door over all services in memory."""

from collections.abc import Iterator

import pytest

from tests.application import Studio
from tests.unit.http.doors.mcp_calls import Door, PictureQueue


@pytest.fixture
def door(studio: Studio) -> Iterator[Door]:
    studio.render_queue = queue = PictureQueue()
    queue.studio = studio
    studio.job_queue.works = studio.app.worker
    # Pixels are most of what a picture takes, and change nothing here.
    studio.simulator.scenario("small_picture", side=64)
    yield Door(studio, studio.token("alice"))
    studio.job_queue.works = None
