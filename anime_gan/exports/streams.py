"""Second words of the pair of seeds: separate random streams for latent vectors and labels."""

LATENT_STREAM = 0
LABEL_STREAM = 1
