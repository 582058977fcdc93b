"""The front door for people and mail programs: pixel, link, ask page, withdrawal; translating only."""
