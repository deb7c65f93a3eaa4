"""Models from elsewhere, brought by the user, as exports like any other."""
