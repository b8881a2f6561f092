"""From a score to what is done on Monday: tiers, actions under budgets, and messages."""
