"""The table of steps, the plan, one step, a run's folder, several processes."""
