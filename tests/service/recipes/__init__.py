"""Recipes for programs that have the engine inside; tests run them."""
