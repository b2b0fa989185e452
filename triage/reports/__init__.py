"""What a report says: periods, figures and the evidence behind them. Rendering is in `triage.reports.documents`."""
