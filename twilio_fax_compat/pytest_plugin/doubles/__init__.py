"""The suite's own test doubles of Twilio: HTTP stubs, mocks, and the calls they receive."""
