"""The version of this package, which building it reads without importing anything."""

__version__ = "0.1.0"
