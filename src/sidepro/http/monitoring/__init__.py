"""What operators read: health checks and Prometheus metrics."""
