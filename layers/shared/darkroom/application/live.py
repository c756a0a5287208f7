"""The application at the live door, which carries out what callers wait for."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from darkroom.application import Application

if TYPE_CHECKING:
    from darkroom.services.paid.in_place import InPlace


class LiveApplication(Application):
    @cached_property
    def in_place(self) -> InPlace:
        from darkroom.services.paid.in_place import InPlace

        return InPlace(self.worker)
