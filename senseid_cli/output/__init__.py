"""Output for people and pipes: text and tables, pictures, HTML pages, progress."""
