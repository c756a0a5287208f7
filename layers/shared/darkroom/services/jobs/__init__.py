"""Jobs as their owners see them, and those whose worker is gone."""
