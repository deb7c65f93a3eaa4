"""The built-in illustrator: faces drawn from parameters."""
