"""Hardware fingerprints and signed licences. Imports neither numpy, OpenCV nor onnxruntime."""
