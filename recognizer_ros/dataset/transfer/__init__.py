"""Data sets in and out: image folders, the original Recognizer's folder, CSV, zip, rosbag2.

A format turns what it reads into :class:`source.Candidate` values, one by one;
:mod:`importer` decodes and stores them, whatever the format. :mod:`export` writes what
:mod:`opening` reads back.
"""
