"""The making of the score curve: who is on which photo, faces that are covered by drawing, and the fit itself."""
