"""What a calibration reports: tables, files and pictures."""
