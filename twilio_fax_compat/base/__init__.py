"""The base classes of Twilio's resources."""
