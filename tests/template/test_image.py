"""The image of background removal has nothing in it twice, and is no larger than the cost model says."""

import importlib.metadata
import re

from local.costs import PRICES
from tests.conftest import ROOT

FOLDER = ROOT / "functions" / "remove_background"
# As one line each, without the comments.
STEPS = re.sub(r"\\\n\s*", "", re.sub(r"(?m)^#.*\n", "", (FOLDER / "Dockerfile").read_text())).splitlines()
MOST_MB = 600


def test_no_step_changes_the_files_of_an_earlier_one() -> None:
    """Each would be there twice: the last step had 792 MB of packages and weights once more."""
    changing = [step for step in STEPS if re.search(r"\b(chmod|chown|chgrp|touch|cp|mv)\b", step)]
    changed = {word for step in changing for word in re.findall(r"chmod -R a\+rX (.*)", step)[0].split()}
    # The weights where they are fetched, what the same step compiles, and the package itself, which is small.
    own = {"/opt/weights", "/opt/numba-cache", '"${LAMBDA_TASK_ROOT}/darkroom"', '"${LAMBDA_TASK_ROOT}/app.py"'}
    assert changed == own
    weights, last = changing
    assert "/opt/weights" in weights
    assert "fetch_weights.py" in weights
    assert "/opt/weights" not in last
    assert STEPS.index(weights) < max(STEPS.index(step) for step in STEPS if step.startswith("FROM"))


def test_what_is_installed_can_be_read_by_any_user() -> None:
    assert all("umask 022" in step for step in STEPS if step.startswith("RUN") and "pip install" in step)


def test_the_image_is_as_large_as_the_cost_model_says() -> None:
    layers = PRICES["image"]["layers_mb"]
    assert sum(layers.values()) <= MOST_MB
    names = re.findall(r"(?m)^([A-Za-z0-9_.-]+)==", (FOLDER / "requirements.txt").read_text())
    files = [
        distribution.locate_file(file)
        for distribution in map(importlib.metadata.distribution, names)
        for file in distribution.files or ()
    ]
    installed = sum(path.stat().st_size for path in files if path.exists()) / 1e6  # type: ignore[attr-defined]
    assert 0.85 * layers["packages"] <= installed <= 1.1 * layers["packages"]
