"""The log. Structured, one line an event; never a body, a header, a token or a key."""

from aws_lambda_powertools import Logger

logger = Logger(service="darkroom")
