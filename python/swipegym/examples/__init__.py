"""Agents of other libraries on swipegym/ShortVideo-v0, a file each:

    python -m swipegym.examples.sb3_ppo --seeds 3

Each says in its first lines what it needs, trains, and prints what it came to beside random choice and the one-step oracle.
"""
