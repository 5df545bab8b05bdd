"""Pages: self-contained HTML with thumbnails and charts, readable without a network."""
