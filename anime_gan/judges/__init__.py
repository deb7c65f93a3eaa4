"""The judges of an evaluation: a tagger and a critic, trained on real images only."""
