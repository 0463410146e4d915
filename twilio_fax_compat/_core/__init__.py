"""
The translation between Twilio's fax vocabulary and Telnyx's, as plain functions on values.

Nothing below this package reads a socket, a clock, the environment or a global. A *flow* is a generator:
what it needs from outside, it yields as an effect (`effects`), and a driver answers it.
"""
