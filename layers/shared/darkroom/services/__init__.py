"""The use cases, in rooms that stand on one another. They know the ports, not who stands behind them."""
