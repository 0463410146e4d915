"""The emulator's page: what happens, for people, and buttons that change it."""
