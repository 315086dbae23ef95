"""What a prompt is still good for after de-identification."""
