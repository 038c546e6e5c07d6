"""The world that is drawn: people, scripts, action units, pictures, and the truth about them."""
