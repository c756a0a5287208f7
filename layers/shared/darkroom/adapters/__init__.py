"""What stands behind the ports, named by role. The only room that knows boto3, onnxruntime and sockets."""
