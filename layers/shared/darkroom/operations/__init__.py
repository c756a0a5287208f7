"""Operations on pictures: one file each, whose name is the operation's, with one class of which `op` is that name.

Files that begin with an underscore are what operations share. A recipe is a list of operations: `parse` reads one,
`run` and `render` do it, `dump` writes it down, and `schema` tells a planner what there is.
"""

from darkroom.operations._base import Canvas, Operation, OutputFormat, Tools
from darkroom.operations._engine import ENGINE_VERSION, Rendered, render, run
from darkroom.operations._registry import MOST_OPERATIONS, called, described, dump, load, names, parse, schema
from darkroom.operations._words import folded

__all__ = [
    "ENGINE_VERSION",
    "MOST_OPERATIONS",
    "Canvas",
    "Operation",
    "OutputFormat",
    "Rendered",
    "Tools",
    "called",
    "described",
    "dump",
    "folded",
    "load",
    "names",
    "parse",
    "render",
    "run",
    "schema",
]
