"""What a request may cost, before it is sent."""
