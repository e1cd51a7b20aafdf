"""The rules of ``msm spec lint``: those of every spec, and those of each kind."""
