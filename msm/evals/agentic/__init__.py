"""The agentic suite: does an assistant that may act harm others to stay as it is?"""
