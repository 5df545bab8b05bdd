"""What is printed, drawn and reported: text and tables, pictures, HTML pages, progress."""
