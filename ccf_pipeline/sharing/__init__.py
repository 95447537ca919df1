"""The files of a share: written, listed, read back, and every string in them."""
