"""Frozen values, errors and ports: the words every other room speaks. Pure; imports nothing of ours."""
