"""Whatever imports kfp or speaks to a cluster: pipeline file, local runner, display, submission, schedule."""
