"""How each committed ONNX file is made from a pinned package. Never installed, never imported at run time."""
