"""What a YAML file may contain: experiment, panel, monitoring, policy and early-warning rules."""
