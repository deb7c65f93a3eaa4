"""How good generated images are: distances between sets of features, texture, variety, copies."""
