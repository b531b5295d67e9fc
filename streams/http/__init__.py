"""HTTP, for those who do not speak Kafka: the console's API, the door for feeds, and what both stand on.

It runs in a process of its own, `warden serve`: what a page asks must not take time from judging, and its rights on the
brokers - to write decisions and events - are none that a worker should have.
"""
