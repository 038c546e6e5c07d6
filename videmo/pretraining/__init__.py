"""How the tiny backbone was pretrained to see and to speak."""
