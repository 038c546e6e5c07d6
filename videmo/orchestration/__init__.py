"""The DAG of stages and its doors: the table, runs of one step, the kfp command, schedules."""
