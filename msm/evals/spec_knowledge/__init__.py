"""The spec-knowledge suite: does a model know what its spec says?"""
