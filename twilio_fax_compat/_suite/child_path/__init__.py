"""The folder that child processes have on PYTHONPATH; it has nothing but ``sitecustomize``."""
