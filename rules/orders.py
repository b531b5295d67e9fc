"""How many of a moderator's orders a subject's record keeps: those that count, and the newest. Pure."""

from rules.holdings import last_order
from rules.subject_state import StoredOrder


def kept_orders(orders: list[StoredOrder], most: int) -> list[StoredOrder]:
    """`orders`, in the order they came, without the oldest that others have replaced, so that about `most` are left.

    What counts is never dropped: the last order on each action, and the clearing orders that forgive the longest.
    """
    if len(orders) <= most:
        return orders
    actions = {order.action for order in orders if order.action is not None}
    counts = {last.id for action in actions if (last := last_order(orders, action)) is not None}
    for scope in (None, *actions):
        cleared = [order for order in orders if order.do == "clear" and order.action == scope]
        if cleared:
            counts.add(max(cleared, key=lambda order: max(order.time, order.until or 0)).id)
    spare = len(orders) - most
    kept: list[StoredOrder] = []
    for order in orders:
        if spare > 0 and order.id not in counts:
            spare -= 1
        else:
            kept.append(order)
    return kept
