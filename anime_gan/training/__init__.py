"""The training step: networks, losses, penalties, augmentation, and options."""
