"""A book from month to month: scores, tiers, actions, alerts, lists, the pack, and what came of it."""
