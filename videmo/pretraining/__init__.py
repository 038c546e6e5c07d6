"""How the tiny backbone learned to see and to speak."""
