"""The layered character art by Sutemo as a data source."""
