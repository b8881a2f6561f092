"""What a validator asks of the chosen model, as frames: calibration tests, money, fairness, stability, findings."""
