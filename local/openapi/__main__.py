"""Writes `docs/openapi.json`, what the function serves of it, and the table of routes in `docs/api.md`.

    python -m local.openapi
    python -m local.openapi --release    and takes this document as the one that callers rely on

A test refuses a document that says anything else than the routes declare, and one that breaks callers of the last
release where CHANGELOG.md does not say so.
"""

import sys

from local.openapi import changes, operations, tables
from local.openapi.document import SERVED, SERVED_PAGE, WRITTEN, document, served, text
from local.openapi.page import body

if __name__ == "__main__":
    made = document()
    operations.SERVED.write_text(operations.text(), encoding="utf-8")
    WRITTEN.write_text(text(made), encoding="utf-8")
    SERVED.write_text(served(made), encoding="utf-8")
    SERVED_PAGE.write_text(body(made), encoding="utf-8")
    tables.PAGE.write_text(tables.rewritten(tables.PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    if "--release" in sys.argv:
        changes.RELEASED.write_text(changes.text(made), encoding="utf-8")
