"""What stands behind the ports, named by role. The only room that knows botocore, onnxruntime and sockets."""
