"""What goes in and out over HTTP; nothing here knows the store."""
