"""What a tracker is: the catalogue of vendors, their addresses, decoders of their targets. Pure."""
