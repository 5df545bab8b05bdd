"""The quality of photos of faces, one file per measure."""
