"""WebRTC peers by aiortc: one that sends video to the robot, several that watch the robot's.

aiortc is optional on a robot, so nothing outside this package imports it at the top of a file.
"""
