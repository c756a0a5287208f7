"""The whole stack on a laptop. Never shipped: nothing under `layers/` or `functions/` imports it."""
