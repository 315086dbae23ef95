"""The folder of models: what is in it, where each came from, and that it still is what came. See `folder.Library`."""
