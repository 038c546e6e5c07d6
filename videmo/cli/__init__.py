"""The commands: doors without logic."""
