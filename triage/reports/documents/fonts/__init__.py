"""Font files that ship with the project; see the README beside them."""
