"""Early warning: signs of trouble, alerts that somebody owns, how people learn of them, and how good they were."""
