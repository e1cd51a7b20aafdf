"""The reasoning suite: for which reasons does an assistant act, in transcripts that are stored?"""
