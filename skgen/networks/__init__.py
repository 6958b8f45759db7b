"""Torch modules. Nothing in here knows of scikit-learn or skorch."""
