"""Deciding: which rule a mail falls under, and what becomes of each finding for one person. Pure."""
