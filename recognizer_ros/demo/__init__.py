"""The main job from beginning to end, done as a person would: ``recognizer demo``."""
