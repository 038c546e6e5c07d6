"""What the report of a run is made of: drawings, tables and example trees."""
