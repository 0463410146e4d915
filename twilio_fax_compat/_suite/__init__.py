"""What every way to run a suite on Telnyx needs, with pytest or without: names, guard, environment."""
