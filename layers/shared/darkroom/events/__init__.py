"""All that knows events that are not HTTP: messages of queues, files dropped into S3, the schedule."""
