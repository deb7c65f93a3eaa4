"""From a request to images: drawing, sheets, animations, GAN inversion."""
