"""The edge: web application, command line, settings, embedded services, accounts."""
