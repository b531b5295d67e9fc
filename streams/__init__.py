"""The plumbing: topics, the Faust app, agents, tables, metrics, web, command line. Decides nothing."""
