"""What a stage is: its digest, its output that is whole or not there, what it depends on outside."""
