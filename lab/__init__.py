"""Tools of policy authors: labelled text in, figures, reports and lexicons out. Uses the rules, never the plumbing."""
