"""What is kept of a secret that only ever has to be recognised."""

import hashlib


def digest(secret: str) -> str:
    """SHA-256 as hex. Enough for secrets of 128 random bits and more, which nobody can guess their way to."""
    return hashlib.sha256(secret.encode()).hexdigest()
