"""Do the scores, qualities and refusals of a period look as they did, or as the calibration says?

Counts in, a judgement out: no file is read here, and nothing is printed.
"""
