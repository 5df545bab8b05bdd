"""Evidence of movement and change from the frames of one tracked face.

`non_rigid`, `texture_change`, `texture_evenness`, `blend` and `recurrence` measure one thing each, from times, chips
and thumbnails alone; `pairs` says which frames are compared, `homography` undoes the movement of a plane between two of
them, `texture` any movement, and `evidence` takes all measures. Lengths are shares of the face's height, so that they
mean the same at every size of face.
"""
