"""Who calls, and what they sign in and pay with."""
