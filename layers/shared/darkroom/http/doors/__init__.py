"""Doors: other services' APIs, a file each, translated to our own services. They answer in their own API's shape."""
