"""The open-question suite: what does the assistant say about itself when it is asked?"""
