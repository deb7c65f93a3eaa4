"""The source `--data=pixel:DIR`: pixel-art portraits composed of layers."""
