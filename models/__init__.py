"""Text in, arrays out: n-gram features, linear models, calibration, pair scorer and the bundle format."""
