"""What leaves the kit: a fitted model as an artifact folder, and as a wheel that scores anywhere."""
