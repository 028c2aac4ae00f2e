"""The prediction service: FastAPI in front of one ONNX model."""
