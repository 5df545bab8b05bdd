"""Photos and videos in, faces and calibrated scores out.

Media are decoded (`image`, `video`), faces found (`finder`), embedded (`encoder`) and compared (`engine`, `curve`);
`quality` and `liveness` judge them, `calibration` makes a curve. Nothing here knows a terminal, a transport, a key or
the environment: threads, licences and models are passed in. `session` alone imports onnxruntime.
"""
