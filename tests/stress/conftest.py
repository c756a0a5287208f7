"""The money tests, many times over. They take long, so only `make stress` collects them."""

import os

collect_ignore_glob = [] if os.environ.get("DARKROOM_STRESS") == "1" else ["*"]
