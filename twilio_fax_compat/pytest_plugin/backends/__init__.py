"""What answers the fax calls of a suite: one class for each ``--fax-backend``."""
