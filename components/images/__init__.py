"""The container images: what goes into them, how they are built, and which digests count."""
