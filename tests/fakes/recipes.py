"""What recipes need, in memory. The contract suites hold it to what the adapters do."""

from collections.abc import Sequence

from darkroom.models.recipe import SavedRecipe
from tests.fakes.paid import MemoryJobQueue


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


class MemoryRenderQueue(MemoryJobQueue):
    """`error` is raised by `send`, if there is one."""

    error: Exception | None = None

    def send(self, user: str, job_id: str, *, delay_seconds: int = 0) -> None:
        if self.error is not None:
            raise self.error
        super().send(user, job_id, delay_seconds=delay_seconds)
