"""Parts of `bench/gpu_nvml.py`: they need Python, nvidia-ml-py and nothing else."""
