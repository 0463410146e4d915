"""What the run reports of each test."""
