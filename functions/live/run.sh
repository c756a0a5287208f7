#!/bin/sh
# The handler of the function, which AWS's Lambda Web Adapter starts in place of Lambda's own runtime. boto3 is in that.
export PYTHONPATH="/opt/python:$LAMBDA_RUNTIME_DIR"
exec python -m uvicorn app:application --factory --host 127.0.0.1 --port "$AWS_LWA_PORT" --app-dir "$LAMBDA_TASK_ROOT" \
    --http httptools --loop asyncio --no-access-log --no-server-header --log-level warning --lifespan off
