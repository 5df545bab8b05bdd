"""Is a video of a living person? The face followed, the evidence against an attack, and what is made of it."""
