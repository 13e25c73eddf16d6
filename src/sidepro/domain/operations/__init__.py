"""Operating the platform: what administrators see and do, counters and jobs."""
