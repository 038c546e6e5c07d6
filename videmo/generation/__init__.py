"""Sampling answers and rollout trees from a policy, with every shared prefix computed once."""
