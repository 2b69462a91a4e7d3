"""What the shim costs real servers: bench/overhead's parts, one idea a file."""
