"""All that knows HTTP: the application, requests' bodies, answers, pages, routes and their schemas."""
