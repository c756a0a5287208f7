"""Darkroom: generate, edit, converse with and cut out images, on its owner's AWS account."""

import gc
import os

from darkroom.adapters import written_code
from darkroom.adapters.lazy_packages import POWERTOOLS, defer

# The only place of the version: pyproject.toml reads it here when the package is built, functions when they run.
__version__ = "0.2.0"

defer(POWERTOOLS)

# Lambda sets it in each function, to the same: processes that differ in what is read here could not be forked from one.
if "AWS_LAMBDA_INITIALIZATION_TYPE" in os.environ:  # noqa: TID251 - before anything of ours is loaded
    # What a function loads stays. Looking for what does not takes a twentieth of a start; `application.on_aws` begins
    # with that when all is loaded.
    gc.disable()
    written_code.use()
    written_code.load_untyped("pydantic_core")
