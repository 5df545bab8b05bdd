"""What makes a photo of a face good or bad, one measure a file."""
