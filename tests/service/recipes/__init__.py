"""Recipes for programs that have the engine inside, as they are shown to their authors; tests run them."""
