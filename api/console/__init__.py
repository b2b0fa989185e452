"""The web console: pages for dispatchers, duty officers, analysts and administrators, served by the API process."""
