"""What a piece of work needs to know of a user: their settings, and which providers' keys they have connected."""

from pydantic import Field

from darkroom.models.key import KeyProvider, StoredKey
from darkroom.models.receipt import KeyCharges
from darkroom.models.user_settings import UserSettings
from darkroom.models.value import Value


class Account(Value):
    """As it was at one moment. Limits are in the settings; what is left of budgets is never in a snapshot."""

    user: str
    settings: UserSettings = UserSettings()
    keys: tuple[StoredKey, ...] = ()
    charges: dict[str, KeyCharges] = Field({}, description="On those keys that they were asked for, by their digests.")

    def key(self, provider: KeyProvider) -> StoredKey | None:
        return next((key for key in self.keys if key.provider == provider), None)
