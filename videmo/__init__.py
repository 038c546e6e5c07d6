"""VidEmo: emotion-centric video models, from face videos to a promoted model."""
