"""Darkroom: generate, edit, converse with and cut out images, on its owner's AWS account."""

from darkroom.adapters.lazy_packages import POWERTOOLS, defer

# The only place of the version: pyproject.toml reads it here when the package is built, functions when they run.
__version__ = "0.2.0"

defer(POWERTOOLS)
