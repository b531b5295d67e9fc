"""Python's garbage collector, kept from walking a compiled pack again and again.

Batches are freed by reference counting; only cycles need the collector, and they are rare here. With Python's own
thresholds it took a third of a worker's time.
"""

import gc


def spare_the_collector() -> None:
    """Leaves out of every collection what there is now, and collects less often. Called once a pack is compiled."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
