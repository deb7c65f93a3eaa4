"""The studio: a page in the browser on which faces are drawn, changed, blended and kept."""
