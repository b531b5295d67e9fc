"""The ban list written where other software reads it: an nginx map, an RPZ zone, Redis keys, CSV, JSON Lines.

Each target is one file here; `running.py` follows the topic and has them publish.
"""
