"""The OpenAPI document, made of what the routes declare; what it is compared with, and what is written from it."""
