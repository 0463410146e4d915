"""What Twilio's resources are made of."""
