"""Is a video of a living person?

`detector` is the check, in this order:

1. `track` follows the faces of the video, and keeps the one that it is about.
2. `stills` classifies single frames: a face, or paper or a screen that shows one.
3. `temporal` measures the face over time: does it move, change and repeat itself as a living one does?
4. `fusion` adds the weights of all evidence and decides. The weights and the threshold are in
   `models/senseid_models/liveness-fusion.toml`; docs/models/liveness.md says how they were chosen.
5. `selection` takes the frames that show the face best.

`verify` compares these frames with a photo, and `capture` seals them in a file. `results` are the answers.
"""
