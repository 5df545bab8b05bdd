"""The HTTP service: the manual's API over the engine. Which module does what is in docs/service.md."""
