"""The registry: stages and models in MLflow, and the gate between challenger and champion."""
