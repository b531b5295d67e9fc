"""The journal: an index of what the topics tell, on this machine's disk, that pages can ask at bounded cost.

`warden serve` keeps one. It follows the output topics, and those that moderators write, in a thread of its own
(`following`), writes what they say into an SQLite file (`store`), and answers questions from it (`questions`) on
connections that never wait for the writing. It holds nothing that the topics do not: whoever deletes it gets it again.
"""
