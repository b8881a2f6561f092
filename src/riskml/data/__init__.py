"""Tables: where they come from, what they must satisfy, how rows are set aside."""
