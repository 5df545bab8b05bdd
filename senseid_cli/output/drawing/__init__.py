"""Pictures: photos with what was found on them, and charts."""
