"""What recipes need, in memory. The contract suites hold it to what the adapters do."""

from collections.abc import Sequence

from darkroom.models.recipe import SavedRecipe


class MemoryRecipeStore:
    def __init__(self) -> None:
        self.recipes: dict[tuple[str, str], SavedRecipe] = {}

    def find(self, user: str, name: str) -> SavedRecipe | None:
        return self.recipes.get((user, name))

    def save(self, recipe: SavedRecipe) -> None:
        self.recipes[recipe.user, recipe.name] = recipe

    def of_user(self, user: str) -> Sequence[SavedRecipe]:
        return [recipe for key, recipe in sorted(self.recipes.items()) if key[0] == user]

    def remove(self, user: str, name: str) -> bool:
        return self.recipes.pop((user, name), None) is not None


class MemoryRenderQueue:
    """`sent` holds user and job id of every message, in order, and `delays` the seconds after which each comes; `error`
    is raised, if there is one.
    """

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.delays: list[int] = []
        self.error: Exception | None = None

    def send(self, user: str, job_id: str, *, delay_seconds: int = 0) -> None:
        if self.error is not None:
            raise self.error
        self.sent.append((user, job_id))
        self.delays.append(delay_seconds)
