"""The studio, a web page for drawing, changing, blending, and keeping faces."""
