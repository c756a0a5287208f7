"""What providers do."""

from typing import Final, Literal

Skill = Literal["generate", "edit", "chat", "cutout"]
"""`generate`: pictures from words. `edit`: from pictures. `chat`: text, from text and pictures. `cutout`: a picture
without its background.
"""

AUTO: Final = "auto"
