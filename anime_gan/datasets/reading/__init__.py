"""Reading of images and folders, local or remote."""
