"""How the score curve is made: who is on which photo, faces that are covered by drawing, and the fit itself."""
