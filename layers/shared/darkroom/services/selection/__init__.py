"""Which provider and which model serve a request."""
