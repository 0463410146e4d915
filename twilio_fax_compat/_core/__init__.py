"""
The translation between Twilio's fax vocabulary and Telnyx's, as plain functions on values.

Nothing below this package reads a socket, a clock, the environment or a global: what a conversation
needs from outside is yielded as an effect (`messages`), and a driver answers it.
"""
