"""What the report of a run is made of: a template for each section, drawings, tables, choices and example trees."""
