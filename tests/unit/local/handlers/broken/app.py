from typing import Any

import not_installed_anywhere  # noqa: F401


def lambda_handler(event: dict[str, Any], context: Any) -> Any:
    return None
