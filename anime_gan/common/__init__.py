"""General helpers, for example for files, command lines, layouts, and tables."""
