"""The registry of ONNX models: what each one is, where it came from, and its verified bytes."""
