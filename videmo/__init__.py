"""VidEmo: emotion-centric video models, from face videos to a promoted model."""

import os

# Threads that wait by spinning slow each other where cores are shared, and threads that sleep at once wake slowly: a
# short spin is right for both. libgomp reads this when torch is first loaded.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")
