"""A folder of images as a data source: its labels, tables, and tag files."""
