"""The use cases. They know the ports, not who stands behind them."""
