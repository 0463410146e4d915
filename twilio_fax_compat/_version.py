"""The version of this package. The build reads it without importing anything."""

__version__ = "0.1.0"
