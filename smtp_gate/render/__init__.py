"""Writing a message: edits spliced into the encoded bytes, footer, trace field. Pure."""
