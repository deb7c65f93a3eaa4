"""How good an exported model is, measured by judges that it never met (`python -m anime_gan.evaluate`)."""
