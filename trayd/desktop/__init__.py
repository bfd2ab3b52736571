"""The rest of the desktop: clipboard, start at login, one instance per user."""
