"""Evidence of movement and change from the frames of one followed face.

Each module measures one thing, from times, chips and landmarks alone. Lengths are shares of the face's height, so that
they mean the same at every size of face.
"""
